"""Phrases that people put around an answer: "the answer is ...", "答えは...です", "정답: ...".

Only phrases that affirm are known. What is denied ("not B", "B is wrong") keeps its denial and is then no answer that
anyone could read; it is never taken for its opposite.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHOOSE = "think|believe|guess|choose|chose|pick|picked|select|selected|say|go with|went with|go for"
_BEST = "(?:(?:final|correct|right|best|true|only) )*"
_BE = "(?:is|are|was|were|(?:would|should|must|will) be)"
_ANSWER = "answer|choice|option|selection|response|solution|letter|number|ans"
_LEADS = (
    r"(?:so|therefore|thus|hence|well|ok|okay|um+|hmm+)\b,?",
    r"i(?:'m| am) (?:sure|going with|choosing|picking)(?: (?:that|of))?\b",
    rf"(?:i|we|my)(?:'d|'ll| would| will)? (?:{_CHOOSE})\b(?: that\b)?",
    rf"(?:the |my |your )?{_BEST}(?:{_ANSWER})s?(?: (?:number|letter|no\.?))?(?: {_BE})?\b\s?[:=]?",
    r"(?:it|that|this)(?: is|'s| must be| should be| would be)\b(?: called\b)?",
    r"(?:a|q)(?:ns(?:wer)?)?\s?[:=]",
    r"the\b",
    r"(?:meine |die )?(?:(?:richtige|korrekte) )?(?:antwort|lösung|auswahl)(?: (?:ist|lautet|wäre))?\b\s?:?",
    r"(?:ich (?:glaube|denke|wähle|nehme|meine)|es ist|das ist)\b,?",
    r"(?:la |ma )?(?:bonne |juste )?(?:réponse|solution|choix)(?: (?:correcte|juste|exacte))?(?: est)?\b\s?:?",
    r"(?:je (?:pense|crois|choisis|dis)(?: que)?|c'est)\b",
    r"(?:la |mi )?(?:respuesta|opción|solución|alternativa|letra)(?: (?:correcta|final))?(?: es)?(?: la)?\b\s?:?",
    r"(?:creo que(?: es)?|pienso que(?: es)?|elijo|escojo|es la|es el)\b",
    r"(?:a |minha )?(?:resposta|opção|alternativa|letra)(?: (?:correta|certa|final))?(?: é)?(?: a)?\b\s?:?",
    r"(?:acho que(?: é)?|escolho|é a|é o)\b",
    r"(?:la |mia )?(?:risposta|opzione|lettera)(?: (?:corretta|giusta|esatta))?(?: è)?(?: la)?\b\s?:?",
    r"(?:credo(?: che)?(?: sia)?|penso(?: che)?(?: sia)?|scelgo)\b",
    r"(?:мой |правильный |верный )*(?:ответ|вариант|буква)(?: это)?\b\s?:?",
    r"(?:я (?:думаю|считаю|выбираю|полагаю)|это)\b,?(?: что\b)?",
    r"(?:đáp án|câu trả lời|câu|phương án|tôi chọn|chọn)(?: đúng)?(?: là)?\b\s?:?",
    r"(?:jawaban(?:nya)?|pilihan|saya pilih)(?: (?:yang )?benar)?(?: adalah)?\b\s?:?",
    r"(?:doğru )?(?:cevap|cevabım|yanıt|seçenek)\b\s?:?",
    r"(?:الإجابة|الاجابة|الجواب|الخيار|اختيار)(?: (?:الصحيحة|الصحيح))?(?: (?:هي|هو))?\s?:?",
    r"(?:सही )?(?:उत्तर|जवाब|विकल्प)(?: (?:है|संख्या))?\s?:?",
    r"(?:คำตอบ(?:ที่ถูกต้อง)?|ข้อ)(?:คือ)?\s?:?",
    r"(?:(?:私|僕|わたし)(?:は|の))",
    r"(?:(?:正しい|最終的な|私の)?(?:答え|こたえ|回答|解答|正解|選択肢|答(?!案))(?:は|が|:|：|,|、)?\s?)",
    r"(?:(?:我(?:的|觉得|认为|選|选|想|選擇|选择)|应该(?:是|选)|選擇|选择|應該是)(?:是)?)",
    r"(?:(?:正确|正確|最终|最終)?(?:的)?(?:答案|選項|选项)(?:应该)?(?:是|为|為|:|选|選)?\s?)",
    r"(?:选|選)(?=[^一-龥])",
    r"(?:(?:제|내|나의|저의)\s)",
    r"(?:(?:저는|나는|제 생각에는|제 생각엔)\s?)",
    r"(?:(?:정답|답|답안|보기|선택지|선택|옳은 것|맞는 것)(?:은|는|이|:)?\s?[:：]?\s?)",
    r"(?:option|choice|選択肢|选项|보기)\s?",
    r"[-•*]\s|(?:[>=:→⇒]|->)\s?",
)
_TAILS = (
    r"\b(?:is|was)(?: (?:my|the|a))?(?: (?:final|correct|right|best|true))* (?:answer|choice|one|correct|right)\b",
    r"\b(?:i (?:think|believe|guess)|for sure|please|of course|definitely|obviously)",
    r"\b(?:option|choice)|选项|選項|選択肢",
    r"\b(?:ist|wäre) (?:richtig|korrekt|die (?:richtige )?antwort)",
    r"\best (?:correcte?|juste|la bonne réponse|la réponse)",
    r"\bes (?:correcta|correcto|la respuesta(?: correcta)?)",
    r"(?:です|だ|である|でしょう)(?:よ|ね)?",
    r"(?:だ|です)?(?:と|って)(?:思います|思う|考えます|考える)",
    r"を(?:選びます|選ぶ|選択します|選択)",
    r"(?:は|が|の方が|のほうが)(?:正しい|正解|答え|適切|最適|いい|良い|合っている|正しいです|正解です)",
    r"是(?:正确|正確|对|對)的?(?:答案|选项)?",
    r"(?:是|為|为)?(?:正确答案|正確答案|答案)",
    r"(?<![아니])(?:입니다|이에요|예요|이다|이라고 생각합니다|라고 생각합니다|인 것 같습니다|인 것 같아요|이요)",
    r"(?:을|를) (?:선택합니다|선택|고르겠습니다|고릅니다|선택했습니다|골랐습니다)",
    r"(?:이|가) (?:정답|답|맞습니다|맞다|맞아요|맞음|옳다|옳습니다|정답입니다|답입니다|정답이다|정답임)",
    r"(?:şıkkı|seçeneği|dır|dir)",
    r"(?:है)",
    r"(?:ครับ|ค่ะ)",
)
_LEAD = re.compile(rf"(?:{'|'.join(_LEADS)})\s?", re.IGNORECASE)
_TAIL = re.compile(rf"(?:{'|'.join(_TAILS)})\Z", re.IGNORECASE)
_REASON = re.compile(
    r"(?:because|since|due to|i\.e\.?|weil|denn|parce qu[e']|porque|perché|потому что"
    r"|так как|なぜなら|理由は|というのも|因为|因為|왜냐하면|이유는)(?![a-zа-я])",
    re.IGNORECASE,
)

_MOST, _MOST_TAILS = 7, 3  # phrases before and behind one answer; more is not how people write

LONGEST = 400
"""Characters in which phrases are looked for."""


def peelings(text: str) -> Iterator[str]:
    """List a text with ever more of the phrases around it taken off, the whole text first."""
    text = text.strip()
    for _ in range(_MOST):
        yield text
        if len(text) > LONGEST:
            return
        yield from _without_tails(text)
        front = _LEAD.match(text)
        less = text[front.end() :].strip() if front else ""
        if not less:
            return
        text = less


def _without_tails(text: str) -> Iterator[str]:
    for _ in range(_MOST_TAILS):
        trimmed = text.rstrip(" .!。．！")
        tail = _TAIL.search(trimmed)
        text = trimmed[: tail.start()].strip(" ,、") if tail else ""
        if not text:
            return
        yield text


def gives_reason(text: str) -> bool:
    """Whether a text begins as a reason does ("because ...")."""
    return _REASON.match(text.lstrip(" ,.;:-、，。)")) is not None
