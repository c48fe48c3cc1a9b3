"""Questions about matters that no generated conversation touches."""

_ENGLISH = (
    "What did the vet prescribe for the goat?", "When does the greenhouse get its new glass?",
    "Which wax did I use on the snowboard?", "Who repaired the church organ?",
    "How deep is the well behind the barn?", "What was wrong with the lawn mower?",
    "When did the volcano tour get cancelled?", "Which telescope did I want for Christmas?",
    "What did grandfather do in the navy?", "How many beehives survived the winter?",
    "Where did I lose my passport?", "What is the name of the lighthouse keeper?",
    "Which vaccine do I need before Kenya?", "Who won the chess tournament?",
    "What did I write in the letter to the mayor?", "How long did the marathon queue last?",
    "When is the solar panel inspection?", "Which shampoo caused the rash?",
    "What happened to the sailing boat in the storm?", "Who is the godmother of the twins?",
    "How much fertiliser does the lemon tree need?", "What did the judge say about the fence?",
    "Which mountain hut has hot showers?", "When was my tattoo done?",
    "Where is the certificate of the antique clock?", "What did the astronomer explain about comets?",
    "Who painted the portrait above the fireplace?", "How did the wedding speech go?",
    "Which visa does my fiancé still lack?", "What is the recipe for the rhubarb jam?",
    "When did the kindergarten change its opening times?", "Who stole the bicycle pump?",
    "What was the score of the handball final?", "Which knitting pattern did I begin?",
    "How many chairs fit into the tent?", "Why did the electrician refuse to continue?",
)  # fmt: skip
_GERMAN = (
    "Was hat der Tierarzt der Ziege verschrieben?", "Wie tief ist der Brunnen hinter der Scheune?",
    "Wer hat die Kirchenorgel repariert?", "Welche Impfung brauche ich vor Kenia?",
    "Wo habe ich meinen Reisepass verloren?", "Wie viele Bienenstöcke haben überlebt?",
    "Was stand im Brief an die Bürgermeisterin?", "Wann wird die Solaranlage geprüft?",
    "Welches Strickmuster habe ich begonnen?", "Wer gewann das Schachturnier?",
)  # fmt: skip
_SPANISH = (
    "¿Qué recetó el veterinario a la cabra?", "¿Quién reparó el órgano de la iglesia?",
    "¿Qué profundidad tiene el pozo del granero?", "¿Qué vacuna necesito para Kenia?",
    "¿Dónde perdí mi pasaporte?", "¿Cuántas colmenas sobrevivieron al invierno?",
    "¿Quién ganó el torneo de ajedrez?", "¿Cuándo revisan los paneles solares?",
    "¿Qué escribí en la carta al alcalde?", "¿Qué patrón de punto empecé?",
)  # fmt: skip
_FRENCH = (
    "Qu'a prescrit le vétérinaire pour la chèvre ?", "Qui a réparé l'orgue de l'église ?",
    "Quelle est la profondeur du puits derrière la grange ?", "Où ai-je perdu mon passeport ?",
    "Quel vaccin me faut-il avant le Kenya ?", "Combien de ruches ont survécu à l'hiver ?",
    "Qui a gagné le tournoi d'échecs ?", "Quand inspecte-t-on les panneaux solaires ?",
    "Qu'ai-je écrit au maire ?", "Quel modèle de tricot ai-je commencé ?",
)  # fmt: skip
_CHINESE = (
    "兽医给山羊开了什么药？", "谷仓后面的井有多深？", "谁修好了教堂的管风琴？", "去肯尼亚之前要打什么疫苗？",
    "我把护照丢在哪儿了？", "有多少蜂箱熬过了冬天？", "谁赢了象棋比赛？", "太阳能板什么时候检查？",
    "我给市长的信里写了什么？", "我开始织的是哪种花样？",
)  # fmt: skip
_JAPANESE = (
    "獣医はヤギに何を処方しましたか？", "納屋の裏の井戸の深さは？", "教会のオルガンを直したのは誰？",
    "ケニアの前に必要なワクチンは？", "パスポートをどこで失くしましたか？", "冬を越した蜂の巣箱はいくつ？",
    "将棋大会で優勝したのは誰？", "ソーラーパネルの点検はいつ？", "市長への手紙に何を書いた？", "編み始めた模様は何？",
)  # fmt: skip
UNRELATED = {
    "german": _GERMAN,
    "spanish": _SPANISH,
    "french": _FRENCH,
    "chinese": _CHINESE,
    "japanese": _JAPANESE,
}


def unrelated_questions(kind: str) -> tuple[str, ...]:
    """Return questions that nothing in conversations of a kind answers, in its language."""
    return UNRELATED.get(kind, _ENGLISH)
