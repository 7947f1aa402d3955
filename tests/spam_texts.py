"""200 texts of our own making in the seven languages of pages: what says something, what is spam, what is profane."""

from __future__ import annotations

from typing import Final

GOOD: Final = {
    "en": """The queue at the till was far too long
        Slow
        Expensive!
        I could not find the blue jacket in size L
        no parking
        Great staff, thank you Anna :)
        The toilets on floor 2 were dirty.
        Nothing to complain about, everything went well
        My order 44812 came late and broken
        why is there no bus after 22:00?
        Rhythm lessons were fun
        It was ok but the soup was cold
        Good good service
        wifi pls""",
    "fi": """Jono oli liian pitkä
        Kallista
        Todella ystävällinen palvelu, kiitos!
        vessat likaiset
        Henkilökunta auttoi heti
        Ruoka kylmää eikä kukaan pahoitellut
        En löytänyt etsimääni
        Hyvä kun on auki iltaisin
        Parkkipaikkoja saisi olla enemmän
        ihan jees mutta meluisa
        Lääkkeet loppu taas
        Hissi epäkunnossa
        Yllättävän hyvää kahvia
        tk-jono 3 h""",
    "sv": """Kön var alldeles för lång
        Dyrt
        Mycket trevlig personal
        Smutsiga toaletter på plan två
        Maten var kall
        Jag hittade inte det jag sökte
        Bra att ni har öppet på kvällen
        fler p-platser tack
        Helt okej men hög musik
        Hissen är trasig
        Väntade 40 minuter
        Skönt att slippa kö
        Snabb hjälp i kassan
        Tråkigt bemötande""",
    "de": """Die Schlange an der Kasse war viel zu lang
        Zu teuer
        Sehr freundliche Bedienung
        Angstschweiß beim Einparken, die Lücken sind eng
        Toiletten schmutzig
        Das Essen war kalt
        Ich habe nicht gefunden, was ich suchte
        Rechtschreibfehler auf der Speisekarte
        Mehr Parkplätze bitte
        Der Aufzug ist kaputt
        ganz ok, aber laut
        Herbststrümpfe nicht in meiner Größe
        Langsam
        40 min gewartet""",
    "fr": """La file était beaucoup trop longue
        Cher
        Personnel très aimable
        Toilettes sales au deuxième
        Le repas était froid
        Je n'ai pas trouvé ce que je cherchais
        Plus de places de parking svp
        L'ascenseur est en panne
        Correct mais bruyant
        40 minutes d'attente
        Merci à Chloé pour son aide !
        lent
        Prix trop élevés
        Rien à redire""",
    "es": """La cola era demasiado larga
        Caro
        Personal muy amable
        Baños sucios en la segunda planta
        La comida estaba fría
        No encontré lo que buscaba
        Más aparcamiento por favor
        El ascensor no funciona
        Bien pero con mucho ruido
        40 minutos esperando
        Gracias a Lucía por su ayuda
        lento
        Precios muy altos
        Todo perfecto""",
    "ar": """كان الطابور طويلا جدا
        غالي
        الموظفون لطفاء جدا
        الحمامات متسخة في الطابق الثاني
        كان الطعام باردا
        لم أجد ما كنت أبحث عنه
        نريد مواقف سيارات أكثر
        المصعد معطل
        جيد لكن صاخب
        انتظرت أربعين دقيقة
        شكرا لسارة على المساعدة
        بطيء
        الأسعار مرتفعة
        كل شيء ممتاز""",
}
"""What says something, a text a line."""

SPAM: Final = {
    "en": """asdf
        asdfghjkl
        hello
        ok
        !!!!
        👍👍👍👍
        hahahahahaha
        https://cheap-watches.example/buy now
        xkcdqwrt zzxcv
        lol lol lol lol
        aaaaaaaaaaaa
        :) :D
        test test
        a""",
    "fi": """moi
        testi
        jees jees jees jees
        qwerty
        hjklö
        ööööööö
        www.halvatlainat.example heti rahaa
        ok
        ❤️
        hahaha hahaha haha
        ei
        dfgh dfgh jkl
        hei hei
        12345678""",
    "sv": """hej
        testar
        hejsan!
        asdasdasd
        nej
        åååååå
        😀😀
        http://spel.example bonus
        zxcvbnm
        tjena
        bra bra bra bra
        ja
        ...
        qwertyui""",
    "de": """hallo
        test
        moin moin
        qwertz
        asdf jklö
        ja
        😡😡😡
        hihihihihi
        https://kredit.example
        xxxxxxxx
        nein nein nein nein
        sdfg
        ?
        hallooooo""",
    "fr": """bonjour
        salut
        azerty
        non
        😂😂😂
        hahahahah
        www.casino.example gagnez
        rrrrrrrr
        oui oui oui oui
        qsdf
        essai
        !!
        qsdfghjklm
        bla bla bla bla""",
    "es": """hola
        prueba
        jajajajaja
        asdf asdf
        si
        🎉🎉
        https://gana-dinero.example
        eeeeeeee
        no no no no
        qwer
        buenas
        ???
        zxcv zxcv
        dfjklñ sdfghj""",
    "ar": """مرحبا
        سلام
        ههههههههههه
        لا
        😍😍
        https://example.com/offer عرض
        شسيب
        نعم نعم نعم نعم
        تجربة
        !!!!!!
        ضصثق
        هلا هلا
        ...
        اختبار""",
}
"""What is spam."""

PROFANE: Final = {
    "en": ("What a shitty day, this is bullshit", "The staff is assistant class"),
    "fi": ("Vittu mikä jono", "Pitkä jono"),
    "sv": ("Jävlar vad dyrt", "Hård stol men bra mat"),
    "de": ("Ihr Arschloch an der Kasse", "Mehr Parkplätze bitte"),
    "fr": ("C'est le bordel ici", "Il faut bosser plus vite"),
    "es": ("Cabron de camarero", "El ascensor no funciona"),
    "ar": ("هذا طيز", "كان الطعام باردا"),
}
"""A text that is masked, and one that is not."""


def lines(texts: str) -> list[str]:
    """The texts, a line each."""
    return [line.strip() for line in texts.splitlines()]
