"""Words of truth in many languages, each with what it does to a sentence.

Classes: `true` and `false` say it; `deny` turns the other around, and alone says false; `no` is a "no" that some
languages also use to deny ("no es verdad"); `pass` changes nothing; `half` ("partly", "maybe", "or") makes a
sentence neither true nor false, and so does `full` ("entirely", "always") where it is denied; what follows a `reason`
("because") is not read; `is` is a "yes" that is a verb everywhere but alone (是).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from penstock.grade.objective.normal import folded

Class: TypeAlias = Literal["true", "false", "deny", "no", "pass", "half", "full", "reason", "is"]

_SPACED: dict[Class, str] = {
    "true": (
        "true t yes y yeah yep yup right correct correctly agree agreed accurate valid truth fact v truthful"
        " vrai vraie oui juste exact exacte correcte verdadero verdadera cierto cierta sí si correcto correcta"
        " verdad wahr ja richtig korrekt stimmt zutreffend vero vera sì certo certa corretto corretta giusto"
        " giusta verità verdadeiro verdadeira sim correto verdade правда да верно истина правильно верный"
        " правильный истинно так вірно істина đúng vâng phải benar ya betul doğru evet dogru waar juist goed"
        " sant sann rätt riktigt tak prawda prawdziwe ano pravda igaz igen kyllä tosi oikein adevărat corect"
        " σωστό σωστο ναι αληθές αληθησ נכון כן אמת صحيح صحيحة صح نعم صواب صائب حقيقي أجل بلى درست بله آره صحیح"
        " ہاں हाँ हां सही सच सत्य ठीक সত্য হ্যাঁ সঠিক உண்மை ஆம் சரி kweli ndiyo sahihi tama totoo oo"
    ),
    "false": (
        "false f wrong incorrect incorrectly untrue nope nah n inaccurate invalid mistaken disagree lie"
        " falsehood faux fausse inexact inexacte incorrecte falso falsa incorrecto incorrecta mentira falsch"
        " nein inkorrekt unwahr unrichtig sbagliato sbagliata errato errata scorretto errado errada incorreto"
        " incorreta ложь нет неверно неправда неправильно ложно неверный ошибочно ні хибно невірно sai salah"
        " keliru yanlış yanliş yanlis hayır hayir onwaar onjuist fout nee falskt fel nej nei feil usant falsk"
        " forkert fałsz falsz nieprawda fałszywe nepravda hamis nem helytelen epätosi väärin väärä fals greșit"
        " λάθοσ λαθοσ όχι οχι ψευδές שגוי שקר خطأ خطا خاطئ خاطئة كلا غلط نادرست खطا गलत ग़लत असत्य झूठ মিথ্যা"
        " ভুল பொய் தவறு hapana mali"
    ),
    "deny": (
        "not isn't isnt ain't wasn't don't dont doesn't doesnt can't cannot cant couldn't never pas nicht kein"
        " keine nunca jamás не değil degil bukan ikke inte niet geen οχι ليس ليست غير ليسا नहीं nahi ei לא"
        " ikkje không"
    ),
    "no": "no não nao non nie ne nu لا نه na না இல்லை tidak",
    "pass": (
        "the this that it it's its is s was are be a an i we me my think thinks believe guess would say said"
        " answer statement sentence claim assertion to one also indeed definitely certainly clearly obviously"
        " of course so do does as am i'm that's thats statement's final will must should has have been probably"
        " actually simply just c'est ce c est n'est n la le l affirmation phrase réponse je pense que crois"
        " cette es está esta el afirmación respuesta creo lo eso esto frase oración son das ist die der diese"
        " aussage antwort ich glaube denke dass ist's satz nicht's è e l'affermazione risposta credo che sia"
        " questa questo penso é afirmação resposta acho isso isto o это утверждение ответ я думаю что считаю"
        " данное высказывание правильный є là điều này câu đó nhận định tôi nghĩ rằng ini itu pernyataan adalah"
        " jawabannya saya pikir bu ifade cümle bence cevap een het dat deze stelling antwoord det är er"
        " påstående jest stwierdzenie هذا هذه العبارة الجملة الإجابة إن هي هو أعتقد أن أنها यह वाक्य कथन है"
        " उत्तर मेरा यही बात"
    ),
    "half": (
        "partly partially half mostly almost maybe perhaps possibly sometimes hardly barely only neither nor"
        " or and if but unsure either both oder ou oppure или або veya atau hoặc vielleicht teilweise peut-être"
        " quizás forse"
    ),
    "full": (
        "entirely completely totally always fully absolutely quite exactly very really sure necessarily ganz"
        " völlig immer absolut complètement toujours tout fait completamente totalmente siempre совсем"
        " полностью всегда очень hoàn toàn tamamen her zaman selalu"
    ),
    "reason": "because since weil denn car parce porque perché porquê потому vì karena çünkü لأن क्योंकि",
}
_UNSPACED: dict[Class, str] = {
    "true": (
        "正しい 正しく 正しかっ ただしい 正解 正確 正确 正 真 真実 真的 はい ええ うん そう その通り"
        " そのとおり 合って 合っ 本当 ほんとう ほんと まる マル 丸 事実 对 對 对的 對的 是的 没错 沒錯 属实"
        " 屬實 真实 真實 成立 符合事实 참 맞다 맞아 맞아요 맞습니다 맞음 맞는 맞은 맞 맞지 옳다 옳은 옳 옳음"
        " 옳습니다 옳지 예 네 그렇다 그렇습니다 그래요 사실 진실 진짜 정답 올바르 올바른 올바릅니다 동그라미"
        " 틀림없 틀림없이 ถูก ถูกต้อง จริง ใช่"
    ),
    "false": (
        "誤り 誤って 誤っ あやまり 誤 間違い 間違って 間違っ 間違え まちがい まちがって 違い 違う 違います"
        " 違って ちがう ちがいます いいえ いえ いや 偽 嘘 うそ ウソ ばつ バツ 不正解 错 錯 错的 錯的 错误 錯誤"
        " 错误的 錯誤的 否 假 假的 不对 不對 有误 有誤 谬误 虚假 거짓 거짓말 틀리다 틀린 틀렸 틀렸다 틀렸네"
        " 틀렸네요 틀립니다 틀렸습니다 틀림 틀려요 틀려 틀리지 틀리 아니오 아니요 아뇨 오답 잘못 잘못된 잘못됐"
        " 그르다 그른 엑스 가위표 ผิด เท็จ ไม่ใช่ ไม่จริง ไม่ถูก ไม่ถูกต้อง"
    ),
    "deny": (
        "ない ありません なかった ません ではない じゃない 無い なく 不 不是 没 沒 没有 沒有 并非 並非 非 未"
        " 아니다 아닙니다 아니에요 아니예요 아니야 아니 아닌 아님 않다 않습니다 않아요 않은 않음 않는다 않 안"
        " 못 ไม่"
    ),
    "pass": (
        "です でしょう だ である この その これ それ は が の と に を も で じゃ では 思う 思います 思わ"
        " 思って 考えます 考える 文 文章 文は 答え 答えは 答 解答 回答 私 私は いる います い ます た て って"
        " こと る よ ね わ 内容 記述 主張 説明 説 ため 、 。 这 這 那 个 個 句 句话 句話 说法 說法 陈述 陳述 题"
        " 題 命题 的 了 我 认为 認為 觉得 覺得 答案 应该 應該 话 話 说 說 它 이 가 은 는 을 를 말 말이 말은"
        " 문장 진술 답 답은 그 저 저는 것 거 이다 입니다 이에요 예요 이네 이네요 에요 해요 했 습니다 어요 아요"
        " 어 었 았 었어요 았어요 네요 다 요 음 라고 고 생각 생각해요 생각합니다 합니다 한다 하다 지 것이 임"
        " 이라고 명제 주장 내용 설명 으로 로 의 인 것은 것이다 제 내 생각에 생각에는 ข้อความ นี้ เป็น คือ ข้อ"
        " ครับ ค่ะ มัน"
    ),
    "half": "一部 部分 多分 たぶん かも かどうか 是否 是不是 对不对 對不對 也许 可能 不一定 未必 아마 부분적 或",
    "full": "必ずしも 全て すべて 完全 完全に 全く まったく 非常 完全是 十分 반드시 완전히 항상 전부 매우 정말",
    "reason": "なぜなら なぜかというと 理由は 因为 因為 왜냐하면 이유는",
    "is": "是",
}
_MARKS: dict[Class, str] = {
    "true": "○ ◯ 〇 ⭕ ⚪ ● ✓ ✔ ☑ √ ✅ o 👍 ⊙ 1",
    "false": "× ✕ ✖ ✗ ✘ ❌ ❎ ☓ ☒ x 👎 0 ╳",
}


_ORDER: tuple[Class, ...] = ("pass", "full", "half", "reason", "is", "deny", "no", "false", "true")
"""A word that languages use for different things has the last of its classes."""


def _table(words: dict[Class, str]) -> dict[str, Class]:
    return {folded(word): kind for kind in _ORDER for word in words.get(kind, "").split()}


SPACED = _table(_SPACED) | _table(_MARKS)
"""Words of languages that part them with spaces, and marks, folded."""

UNSPACED = _table(_UNSPACED)
"""Phrases of languages that do not, or that glue endings to words, folded."""

LONGEST = max(map(len, UNSPACED))
"""Characters of the longest of these phrases."""

_BRIEF = "it that this is was it's that's i do think so das ist c'est ce esto eso es это è é 的 이 그 것"
BRIEF = frozenset(_BRIEF.split())
"""Words that may stand beside a denial that is a whole answer ("it is not", "I don't think so")."""

_COPULAS = "es e è era é está esta son creo lo acho fue sunt este jest je benar betul salah đúng sai phải"
COPULAS = frozenset(_COPULAS.split())
"""Words before which a "no" denies, instead of being a sentence of its own."""
