"""Words that say nothing of a topic, of several languages.

Of scripts without spaces, pairs of characters are words: a pair of two function characters is one
of these too.
"""

from collections.abc import Iterable, Sequence, Set
from unicodedata import combining, normalize

_ENGLISH = """a about am an and any are as at be been but by can could d did do does doing for
from had has have he her hers him his how i if in into is it its ll m me my mine no not of on or
our ours out over please re s shall she should so some such t tell than that the their them then
there these they this those to too up us ve was we were what when where which who whom whose why
will with would you your yours"""
_GERMAN = """am die hat man war aber als auch auf aus bei bin bis da dann das dass dein deine dem
den denn der
des dich dir doch du ein eine einem einen einer eines er es habe haben hab hast hatte hatten ich
ihm ihn ihr ihre im ist ja jetzt kann kannst kein keine mal mein meine meinem meinen meiner mich
mir mit muss nach nicht noch nun nur oder ob sehr sein seine sich sie sind und uns unser unsere
unsere vom von vor wann warum was weil welche welchem welchen welcher welches wem wen wenn wer
werden wie wieder wir wird wo woher wohin wurde zu zum zur über um bitte gerade schon"""
_SPANISH = """al algo como con cual cuales cuando cuanta cuanto cuantos cuantas de del donde e
el ella ellos en era eres es esa ese eso esta este esto estoy está fue ha habia han has hay he
la las le les lo los me mi mis mucho muy nos nuestra nuestro o para pero por porque que quien
quienes se ser si sin sobre son soy su sus también te tengo tiene tu tus un una uno y ya yo"""
_FRENCH = """ai au aux avec avez avons c ce cela celle cette ces chez comment d dans de des
depuis donc du elle elles en est et etait ete eu fait il ils j je l la le les leur leurs lui m
ma mais me mes moi mon n ne nos notre nous on ont ou où par pas pour qu quand quel quelle
quelles quels qui quoi s sa se ses si sont suis sur ta te tes toi ton tu un une vos votre vous y
à"""
_ENGLISH_TOPICS = """as has he me on son sin sur pour main fait des les las or mal war die hat bin
den am sein real ai fur uber hay con era den mit pas par ha on ses"""
"""English words among those of other languages that may be the topic."""
_FOREIGN = frozenset(
    "".join(
        character
        for character in normalize("NFKD", f"{_GERMAN} {_SPANISH} {_FRENCH}")
        if not combining(character)
    ).split()
)
_AMBIGUOUS = _FOREIGN & frozenset(_ENGLISH_TOPICS.split())
ENGLISH_STOP_WORDS = frozenset(_ENGLISH.split())
STOP_WORDS = ENGLISH_STOP_WORDS | (_FOREIGN - _AMBIGUOUS)
_FOREIGN_STOP_WORDS = STOP_WORDS | _AMBIGUOUS
_CHINESE = (
    "的了吗呢吧啊是在我你您他她它们这那有没不么什哪谁几个"
    "就都也和与会要到把被让给对从还又很为怎样多少时候里"
)
_KOREAN = "은는이가을를에의도로와과"
_JAPANESE = "何誰今私僕君"
_FUNCTION = frozenset(_CHINESE + _KOREAN + _JAPANESE + "".join(map(chr, range(0x3040, 0x30A0))))
"""Characters of function words; hiragana is the script of Japanese grammar."""


def without_stop_words(words: Iterable[str]) -> list[str]:
    """Return the folded words that are no stop words; all of them if every word is one."""
    words = list(words)
    stop_words = _FOREIGN_STOP_WORDS if _is_foreign(words) else STOP_WORDS
    return [word for word in words if not _is_stop_word(word, stop_words)] or words


def _is_stop_word(word: str, stop_words: Set[str]) -> bool:
    return word in stop_words or (not word.isascii() and _FUNCTION.issuperset(word))


def _is_foreign(words: Sequence[str]) -> bool:
    """Tell whether more of the words are function words of another language than of English."""
    foreign = sum(word in _FOREIGN for word in words)
    return foreign > 0 and foreign > sum(word in ENGLISH_STOP_WORDS for word in words)
