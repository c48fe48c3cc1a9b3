"""Facts in German, Spanish and French."""

from benchmarks.recall_kinds.english import POOLS as ENGLISH
from benchmarks.recall_kinds.statements import Fact, Pools

_NAMES: Pools = {key: ENGLISH[key] for key in ("name", "city", "petname", "firm", "code", "book")}

GERMAN_POOLS: Pools = {
    **_NAMES,
    "day": [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Freitag",
        "am 3. Mai",
        "am 12. März",
        "am 8. Oktober",
    ],
    "hour": ["9 Uhr", "halb elf", "14 Uhr", "16:15 Uhr", "18 Uhr"],
    "sum": ["240 Euro", "1.150 Euro", "85 Euro", "515 Euro", "62 Franken"],
    "food": "Erdnüsse Muscheln Erdbeeren Laktose Walnüsse Sesam".split(),
    "pet": "Katze Hund Papagei Schildkröte Kaninchen Hamster".split(),
    "color": "blaugrün ocker karmesinrot oliv flieder türkis".split(),
    "instrument": "Cello Oboe Akkordeon Klavier Klarinette Harfe".split(),
    "dish": ["Pilzrisotto", "Linsencurry", "Borschtsch", "Kürbissuppe", "Kaiserschmarrn"],
    "number": "4 7 11 18 27 42".split(),
}
GERMAN = (
    Fact(
        says=("Mein Zahnarzttermin ist {day} um {hour}.", "Ich muss {day} um {hour} zum Zahnarzt."),
        changes=("Der Zahnarzt hat angerufen, jetzt ist es {day} um {hour}.",),
        asks=("Wann muss ich zum Zahnarzt?", "Um wie viel Uhr habe ich den Zahnarzttermin?"),
        label="dem Zahnarzttermin",
    ),
    Fact(
        says=("Meine Schwester {name} ist nach {city} gezogen.", "{name} wohnt jetzt in {city}."),
        changes=("{name} zieht schon wieder um, diesmal nach {city}.",),
        asks=("Wo wohnt {name}?", "In welche Stadt ist {name} gezogen?"),
    ),
    Fact(
        says=("{name} verträgt keine {food}.", "{name} hat eine Allergie gegen {food}."),
        asks=("Was darf {name} nicht essen?", "Wogegen ist {name} allergisch?"),
    ),
    Fact(
        says=(
            "Unser neues Haustier, {pet}, heißt {petname}.",
            "Wir haben jetzt ein Tier ({pet}), Name: {petname}.",
        ),
        asks=("Wie heißt unser Haustier?", "Welchen Namen haben wir dem Tier gegeben?"),
    ),
    Fact(
        says=("Die Miete kostet {sum} im Monat.", "Ich zahle {sum} Miete."),
        changes=("Der Vermieter hat erhöht, die Miete beträgt nun {sum}.",),
        asks=("Wie hoch ist meine Miete?", "Was zahle ich monatlich für die Wohnung?"),
    ),
    Fact(
        says=("Ich habe bei {firm} angefangen.", "{firm} hat mich eingestellt!"),
        changes=("Ich habe gekündigt und gehe zu {firm}.",),
        asks=("Wo arbeite ich?", "Bei welcher Firma bin ich angestellt?"),
    ),
    Fact(
        says=("Der Türcode im Büro lautet {code}.", "Ins Büro kommt man mit {code}."),
        changes=("Der Code der Bürotür wurde geändert: {code}.",),
        asks=("Wie lautet der Code für die Bürotür?", "Wie komme ich ins Büro?"),
    ),
    Fact(
        says=("Ich habe {book} ausgelesen.", "Gestern {book} zu Ende gelesen, großartig."),
        asks=("Welche Bücher habe ich gelesen?",),
        several=True,
    ),
    Fact(
        says=("Gestern habe ich {dish} gekocht.", "Heute gab es {dish}, selbst gekocht."),
        asks=("Was habe ich alles gekocht?", "Welche Gerichte habe ich gekocht?"),
        several=True,
    ),
    Fact(
        says=(
            "{name} spielt {instrument} im Orchester.",
            "{name} übt den ganzen Tag {instrument}.",
        ),
        asks=("Welches Instrument spielt {name}?",),
    ),
    Fact(
        says=(
            "Das Schlafzimmer haben wir {color} gestrichen.",
            "Die Wände im Schlafzimmer sind jetzt {color}.",
        ),
        changes=("Das Schlafzimmer wurde neu gestrichen, nun {color}.",),
        asks=("Welche Farbe hat das Schlafzimmer?",),
    ),
    Fact(
        says=("Der Flug nach {city} geht {day} um {hour}.", "Wir fliegen {day} nach {city}."),
        changes=("Der Flug nach {city} wurde verschoben, {day} um {hour}.",),
        asks=("Wann fliege ich nach {city}?", "Wann geht der Flug nach {city}?"),
        label="dem Flug nach {city}",
    ),
    Fact(
        says=("Der Vertrag mit {firm} muss bis {day} unterschrieben sein.",),
        asks=("Bis wann muss ich den Vertrag mit {firm} unterschreiben?",),
        label="der Frist für {firm}",
    ),
    Fact(
        says=("Ich schulde {name} {sum} für die Karten.", "{name} hat mir {sum} geliehen."),
        changes=("Einen Teil habe ich zurückgezahlt, {name} bekommt noch {sum}.",),
        asks=("Wie viel Geld schulde ich {name}?", "Was bekommt {name} noch von mir?"),
    ),
)
GERMAN_TALK = (
    "Danke, das hilft.",
    "Guten Morgen!",
    "Wie bekomme ich Rotwein aus einem Hemd?",
    "So ein Tag.",
    "Es regnet schon wieder.",
    "Kannst du mir ein gutes Hörbuch empfehlen?",
    "Alles klar.",
    "Was koche ich mit zwei Zucchini?",
    "Erkläre mir kurz den Zinseszins.",
    "Ich melde mich morgen.",
)
GERMAN_BETWEEN = (
    "Wie viele Tage liegen zwischen {a} und {b}?",
    "Was kommt zuerst, vor oder nach {a}: {b}?",
)

SPANISH_POOLS: Pools = {
    **_NAMES,
    "day": [
        "el lunes",
        "el martes",
        "el viernes",
        "el 3 de mayo",
        "el 12 de marzo",
        "el 8 de octubre",
    ],
    "hour": ["las nueve", "las diez y media", "las dos de la tarde", "las 16:15", "las seis"],
    "sum": ["240 euros", "1.150 euros", "85 euros", "515 pesos", "62 dólares"],
    "food": "cacahuetes mariscos fresas lactosa nueces sésamo".split(),
    "pet": "gato perro loro conejo hámster".split(),
    "color": "turquesa ocre carmesí oliva lila".split(),
    "instrument": "violonchelo oboe acordeón piano clarinete arpa".split(),
    "dish": ["risotto de setas", "curry de lentejas", "tacos de pescado", "sopa de calabaza"],
}
SPANISH = (
    Fact(
        says=("Tengo cita con el dentista {day} a {hour}.", "Voy al dentista {day} a {hour}."),
        changes=("Llamaron del dentista: ahora es {day} a {hour}.",),
        asks=("¿Cuándo voy al dentista?", "¿A qué hora es mi cita con el dentista?"),
        label="la cita con el dentista",
    ),
    Fact(
        says=("Mi hermana {name} se mudó a {city}.", "{name} vive ahora en {city}."),
        changes=("{name} se muda otra vez, ahora a {city}.",),
        asks=("¿Dónde vive {name}?", "¿A qué ciudad se mudó {name}?"),
    ),
    Fact(
        says=("{name} no puede comer {food}.", "{name} es alérgica a {food}."),
        asks=("¿A qué es alérgica {name}?", "¿Qué no debe comer {name}?"),
    ),
    Fact(
        says=(
            "Adoptamos un {pet} y se llama {petname}.",
            "Nuestro nuevo {pet} se llama {petname}.",
        ),
        asks=("¿Cómo se llama mi {pet}?",),
    ),
    Fact(
        says=("El alquiler cuesta {sum} al mes.", "Pago {sum} de alquiler."),
        changes=("El dueño subió el alquiler a {sum}.",),
        asks=("¿Cuánto pago de alquiler?", "¿Cuánto cuesta mi piso al mes?"),
    ),
    Fact(
        says=("Empecé a trabajar en {firm}.", "¡Me contrataron en {firm}!"),
        changes=("Dejé el trabajo y me voy a {firm}.",),
        asks=("¿Dónde trabajo?", "¿En qué empresa estoy trabajando?"),
    ),
    Fact(
        says=("El código de la puerta de la oficina es {code}.",),
        changes=("Cambiaron el código de la oficina a {code}.",),
        asks=("¿Cuál es el código de la oficina?", "¿Cómo entro en la oficina?"),
    ),
    Fact(
        says=("Terminé de leer {book}.", "Anoche acabé {book}, qué libro."),
        asks=("¿Qué libros he leído?",),
        several=True,
    ),
    Fact(
        says=("Ayer cociné {dish}.", "Hoy preparé {dish} para {name}."),
        asks=("¿Qué platos he cocinado?",),
        several=True,
    ),
    Fact(
        says=("{name} toca el {instrument} en la orquesta.",),
        asks=("¿Qué instrumento toca {name}?",),
    ),
    Fact(
        says=("Pintamos el dormitorio de color {color}.", "El dormitorio es {color} ahora."),
        changes=("Volvimos a pintar el dormitorio, ahora es {color}.",),
        asks=("¿De qué color es el dormitorio?",),
    ),
    Fact(
        says=("El vuelo a {city} sale {day} a {hour}.", "Volamos a {city} {day}."),
        changes=("Cambiaron el vuelo a {city}: sale {day} a {hour}.",),
        asks=("¿Cuándo sale mi vuelo a {city}?",),
        label="el vuelo a {city}",
    ),
    Fact(
        says=("Le debo {sum} a {name} por las entradas.", "{name} me prestó {sum}."),
        changes=("Devolví una parte, ahora le debo {sum} a {name}.",),
        asks=("¿Cuánto dinero le debo a {name}?",),
    ),
)
SPANISH_TALK = (
    "Gracias, muy útil.",
    "¡Buenos días!",
    "¿Cómo quito una mancha de vino tinto?",
    "Qué día.",
    "Llueve otra vez.",
    "¿Me recomiendas un pódcast de historia?",
    "Vale, perfecto.",
    "¿Qué cocino con dos calabacines?",
    "Explícame el interés compuesto.",
    "Mañana sigo con eso.",
)
SPANISH_BETWEEN = ("¿Cuántos días hay entre {a} y {b}?", "¿Qué es primero, {a} o {b}?")

FRENCH_POOLS: Pools = {
    **_NAMES,
    "day": ["lundi", "mardi", "vendredi", "le 3 mai", "le 12 mars", "le 8 octobre"],
    "hour": ["9 heures", "10 h 30", "14 heures", "16 h 15", "18 heures"],
    "sum": ["240 euros", "1 150 euros", "85 euros", "515 euros", "62 francs"],
    "food": ["cacahuètes", "crustacés", "fraises", "lactose", "noix", "sésame"],
    "pet": "chat chien perroquet lapin hamster".split(),
    "color": "turquoise ocre cramoisi olive lilas".split(),
    "instrument": "violoncelle hautbois piano clarinette".split(),
    "dish": ["risotto aux champignons", "curry de lentilles", "soupe au potiron", "ratatouille"],
}
FRENCH = (
    Fact(
        says=(
            "J'ai rendez-vous chez le dentiste {day} à {hour}.",
            "Je vais chez le dentiste {day}.",
        ),
        changes=("Le dentiste a appelé, c'est maintenant {day} à {hour}.",),
        asks=(
            "Quand dois-je aller chez le dentiste ?",
            "À quelle heure est mon rendez-vous chez le dentiste ?",
        ),
        label="le rendez-vous chez le dentiste",
    ),
    Fact(
        says=("Ma sœur {name} a déménagé à {city}.", "{name} habite maintenant à {city}."),
        changes=("{name} déménage encore, cette fois à {city}.",),
        asks=("Où habite {name} ?", "Dans quelle ville {name} a-t-elle déménagé ?"),
    ),
    Fact(
        says=("{name} ne supporte pas ceci : {food}.", "{name} est allergique : {food}."),
        asks=("À quoi {name} est-elle allergique ?", "Qu'est-ce que {name} ne peut pas manger ?"),
    ),
    Fact(
        says=(
            "Nous avons adopté un {pet}, il s'appelle {petname}.",
            "Notre nouveau {pet} s'appelle {petname}.",
        ),
        asks=("Comment s'appelle mon {pet} ?",),
    ),
    Fact(
        says=("Le loyer est de {sum} par mois.", "Je paie {sum} de loyer."),
        changes=("Le propriétaire a augmenté le loyer : {sum}.",),
        asks=("Combien je paie de loyer ?", "Combien coûte mon appartement par mois ?"),
    ),
    Fact(
        says=("J'ai commencé à travailler chez {firm}.", "{firm} m'a embauché !"),
        changes=("J'ai démissionné, je passe chez {firm}.",),
        asks=("Où est-ce que je travaille ?", "Quelle entreprise m'emploie ?"),
    ),
    Fact(
        says=("Le code de la porte du bureau est {code}.",),
        changes=("Ils ont changé le code du bureau : {code}.",),
        asks=("Quel est le code du bureau ?", "Comment j'entre au bureau ?"),
    ),
    Fact(
        says=("J'ai fini de lire {book}.", "Hier soir j'ai terminé {book}, quel livre."),
        asks=("Quels livres ai-je lus ?",),
        several=True,
    ),
    Fact(
        says=("Hier j'ai cuisiné : {dish}.", "Ce soir j'ai préparé un plat, {dish}."),
        asks=("Quels plats ai-je cuisinés ?",),
        several=True,
    ),
    Fact(
        says=("{name} joue du {instrument} dans l'orchestre.",),
        asks=("De quel instrument joue {name} ?",),
    ),
    Fact(
        says=("Nous avons peint la chambre en {color}.", "La chambre est {color} maintenant."),
        changes=("Nous avons repeint la chambre, elle est {color}.",),
        asks=("De quelle couleur est la chambre ?",),
    ),
    Fact(
        says=("Le vol pour {city} part {day} à {hour}.", "Nous partons en avion à {city} {day}."),
        changes=("Le vol pour {city} est reporté à {day}, {hour}.",),
        asks=("Quand part mon vol pour {city} ?",),
        label="le vol pour {city}",
    ),
    Fact(
        says=("Je dois {sum} à {name} pour les billets.", "{name} m'a prêté {sum}."),
        changes=("J'ai remboursé une partie, je dois encore {sum} à {name}.",),
        asks=("Combien d'argent je dois à {name} ?",),
    ),
)
FRENCH_TALK = (
    "Merci, ça m'aide.",
    "Bonjour !",
    "Comment enlever une tache de vin rouge ?",
    "Quelle journée.",
    "Il pleut encore.",
    "Tu connais un bon podcast d'histoire ?",
    "D'accord, parfait.",
    "Que cuisiner avec deux courgettes ?",
    "Explique-moi les intérêts composés.",
    "On reprend demain.",
)
FRENCH_BETWEEN = (
    "Combien de jours y a-t-il entre {a} et {b} ?",
    "Qu'est-ce qui vient d'abord, {a} ou {b} ?",
)
