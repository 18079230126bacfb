# SPDX-License-Identifier: GPL-3.0-or-later
"""German."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    # Panels
    "Unrender": "Unrender",
    "Generate": "Erzeugen",
    "Train": "Trainieren",
    "For Experts": "Für Fachleute",
    "Render Data Set": "Datensatz rendern",
    "Jobs": "Aufträge",
    "Send To": "Weitergeben",
    "No jobs yet": "Noch keine Aufträge",
    "and {count} older ones": "und {count} ältere",
    "{shapes} shapes, {images} images": "{shapes} Formen, {images} Bilder",
    "{size} GB free": "{size} GB frei",
    "{time} left": "noch {time}",
    "Now {value}": "Jetzt {value}",
    "Best {value}": "Bester {value}",
    "{value} images": "{value} Bilder",
    "Settings to change:": "Zu ändernde Werte:",
    "Mesh objects selected: {count}": "Gewählte Meshes: {count}",
    "Resume": "Fortsetzen",
    "Continue": "Weitermachen",
    "Retry": "Nochmals",
    "Export": "Exportieren",
    # Titles of jobs
    "Training {}": "Training {}",
    "Data set {}": "Datensatz {}",
    "Generated elsewhere {}": "Anderswo erzeugt {}",
    "Generated elsewhere": "Anderswo erzeugt",
    "{} x {}, seed {}": "{} x {}, Startwert {}",
    # Words for states and phases
    "Not connected": "Nicht verbunden",
    "Starting": "Startet",
    "Connecting": "Verbindet",
    "Ready": "Bereit",
    "Working": "Arbeitet",
    "Connection lost, trying again": "Verbindung verloren, neuer Versuch",
    "Add-on and generator do not fit together": "Add-on und Generator passen nicht zusammen",
    "reading files": "liest Dateien",
    "waiting": "wartet",
    "running": "läuft",
    "stopping": "hält an",
    "stopped": "angehalten",
    "paused": "pausiert",
    "waits for Object Mode": "wartet auf den Objektmodus",
    "done": "fertig",
    "imported": "importiert",
    "failed": "gescheitert",
    "out of reach": "außer Reichweite",
    "looking at the pictures": "sieht die Bilder durch",
    "warming up": "wärmt sich auf",
    "training": "trainiert",
    "generating": "erzeugt",
    "measuring": "misst",
    "rendering": "rendert",
    # Buttons and what they do
    "Connect": "Verbinden",
    "Connect to the generator; on this computer, start it where it does not run": (
        "Mit dem Generator verbinden; auf diesem Rechner wird er gestartet, wenn er nicht läuft"
    ),
    "Disconnect": "Trennen",
    "Disconnect; a generator that was started for this Blender stops, with the jobs that it runs": (
        "Trennen; ein Generator, der für dieses Blender gestartet wurde, endet samt seinen Aufträgen"
    ),
    "Test Connection": "Verbindung prüfen",
    "Greet the generator that these settings name, and say who answers, how fast, and what it runs on": (
        "Den Generator dieser Einstellungen grüßen und sagen, wer wie schnell antwortet und worauf er läuft"
    ),
    "Open Preferences": "Einstellungen öffnen",
    "Open the preferences of this add-on": "Die Einstellungen dieses Add-ons öffnen",
    "Allow Online Access": "Netzzugang erlauben",
    "Allow Blender's add-ons to use the network, and connect": (
        "Den Add-ons von Blender das Netz erlauben und verbinden"
    ),
    "Refresh Models": "Modelle neu laden",
    "Ask the generator again which models it has": "Den Generator erneut fragen, welche Modelle er hat",
    "Stop the Generator": "Generator beenden",
    "End the generator that runs on this computer; a job that it runs is started anew or resumed by the next one": (
        "Den Generator auf diesem Rechner beenden; der nächste beginnt dessen Auftrag neu oder setzt ihn fort"
    ),
    "Copy Command": "Befehl kopieren",
    "Copy the lines for the terminal to the clipboard": "Die Zeilen für das Terminal in die Zwischenablage kopieren",
    "Copy Report": "Bericht kopieren",
    "Copy versions, states and the last messages to the clipboard, for a bug report": (
        "Versionen, Zustände und die letzten Meldungen für einen Fehlerbericht in die Zwischenablage kopieren"
    ),
    "Generate shapes with the chosen model; they come into the scene as they are done": (
        "Formen mit dem gewählten Modell erzeugen; sie kommen in die Szene, sobald sie fertig sind"
    ),
    "Roll Seed": "Startwert würfeln",
    "Choose a seed by chance": "Einen zufälligen Startwert wählen",
    "Import Generated Shape": "Erzeugte Form importieren",
    "Put a generated shape into the scene, at its place around the 3D cursor": (
        "Eine erzeugte Form an ihren Platz um den 3D-Cursor in die Szene setzen"
    ),
    "Stop": "Anhalten",
    "Stop this job": "Diesen Auftrag anhalten",
    "Pause": "Pause",
    "Stop this training once it has saved what it has learned; Again resumes it": (
        "Dieses Training anhalten, sobald es das Gelernte gesichert hat; Nochmal setzt es fort"
    ),
    "Again": "Nochmal",
    "Run this job again; a training that was stopped goes on from there": (
        "Diesen Auftrag noch einmal ausführen; ein angehaltenes Training geht dort weiter"
    ),
    "Simplify": "Vereinfachen",
    "Make these shapes again with no more faces than the limit in the preferences": (
        "Diese Formen mit höchstens so vielen Flächen neu machen, wie die Einstellungen erlauben"
    ),
    "Import": "Importieren",
    "Put what this job made into the scene, as far as it is not in the file": (
        "In die Szene setzen, was dieser Auftrag gemacht hat, soweit es nicht in der Datei ist"
    ),
    "Remove": "Entfernen",
    "Take this job off the list, and its result off the generator's disk": (
        "Diesen Auftrag aus der Liste und sein Ergebnis vom Datenträger des Generators nehmen"
    ),
    "Train a new model of one kind of thing; takes minutes to hours, in the background": (
        "Ein neues Modell von einer Art von Dingen trainieren; dauert Minuten bis Stunden, im Hintergrund"
    ),
    "Stop Training": "Training anhalten",
    "Stop a training; what it has learned is kept, and Again goes on from there": (
        "Ein Training anhalten; das Gelernte bleibt, und Nochmal macht dort weiter"
    ),
    "Use This Model": "Dieses Modell benutzen",
    "Generate with this model from now on": "Von nun an mit diesem Modell erzeugen",
    "Render shapes from many sides into a data set at the generator, which a model can be trained on": (
        "Formen von vielen Seiten in einen Datensatz beim Generator rendern, mit dem man ein Modell trainieren kann"
    ),
    "Train on This": "Damit trainieren",
    "Choose this data set for the next training": "Diesen Datensatz für das nächste Training wählen",
    "Copy Command Line": "Befehlszeile kopieren",
    "Copy the command line that does the same in a terminal": (
        "Die Befehlszeile kopieren, die in einem Terminal dasselbe tut"
    ),
    "Mark as Asset": "Als Asset markieren",
    "Mark the selected generated objects as assets, with preview, tags and where they come from": (
        "Die gewählten erzeugten Objekte als Assets markieren, mit Vorschau, Schlagworten und Herkunft"
    ),
    "Save each selected object as a file of its own, standing at the origin": (
        "Jedes gewählte Objekt als eigene Datei sichern, stehend am Ursprung"
    ),
    # Why a button is greyed, and what it reports
    "Connected already": "Schon verbunden",
    "A test is running": "Eine Prüfung läuft",
    "Blender was started in offline mode; start it again without it": (
        "Blender wurde ohne Netzzugang gestartet; starten Sie es neu mit Netzzugang"
    ),
    "Connect first": "Zuerst verbinden",
    "This generator renders no data sets: update it": (
        "Dieser Generator rendert keine Datensätze: aktualisieren Sie ihn"
    ),
    "The generator has no model: train one first": "Der Generator hat kein Modell: trainieren Sie zuerst eines",
    "Nothing is being trained": "Es wird nichts trainiert",
    "Select objects that Unrender generated": "Wählen Sie Objekte, die Unrender erzeugt hat",
    "Select mesh objects": "Wählen Sie Mesh-Objekte",
    "Marked: {count}": "Markiert: {count}",
    "Saved: {count}": "Gesichert: {count}",
    "Command copied; paste it into a terminal": "Befehl kopiert; fügen Sie ihn in ein Terminal ein",
    "The job is not in the list any more": "Der Auftrag ist nicht mehr in der Liste",
    "Not possible now": "Jetzt nicht möglich",
    "Command copied": "Befehl kopiert",
    "Report copied": "Bericht kopiert",
    "The generator does not have this model": "Der Generator hat dieses Modell nicht",
    "Only Blender has the selected objects: render them into a data set first": (
        "Nur Blender hat die gewählten Objekte: rendern Sie sie zuerst in einen Datensatz"
    ),
    "Only Blender has the selected objects: press Render Data Set": (
        "Nur Blender hat die gewählten Objekte: drücken Sie Datensatz rendern"
    ),
    "Choose the folder with your photos": "Wählen Sie den Ordner mit Ihren Fotos",
    "Choose a data set, or render one first": "Wählen Sie einen Datensatz, oder rendern Sie zuerst einen",
    "The name {} is not possible: use letters, digits, - and _": (
        "Der Name {} ist nicht möglich: nehmen Sie Buchstaben, Ziffern, - und _"
    ),
    "{} is no setting: write key=value, without spaces in it": (
        "{} ist keine Einstellung: schreiben Sie Name=Wert, ohne Leerzeichen"
    ),
    # Settings
    "Model": "Modell",
    "No model": "Kein Modell",
    "What is generated": "Was erzeugt wird",
    "Seed": "Startwert",
    "The same seed always gives the same shape": "Derselbe Startwert ergibt immer dieselbe Form",
    "Keep seed": "Startwert behalten",
    "Generate the same shapes again instead of new ones": "Dieselben Formen noch einmal erzeugen statt neuer",
    "Lead to": "Hin zu",
    "The shapes lead in equal steps from the one of the seed to that of another one": (
        "Die Formen führen in gleichen Schritten von der des Startwerts zu der eines anderen"
    ),
    "Last seed": "Letzter Startwert",
    "Where the shapes lead to": "Wohin die Formen führen",
    "Count": "Anzahl",
    "How many shapes, with one seed after the other": "Wie viele Formen, mit einem Startwert nach dem anderen",
    "Variety": "Vielfalt",
    "Low: all much like the typical shape. High: unusual, sometimes broken ones": (
        "Niedrig: alle ähnlich der typischen Form. Hoch: ungewöhnliche, manchmal kaputte"
    ),
    "Threshold": "Schwelle",
    "Low: fuller shapes. High: thinner ones": "Niedrig: vollere Formen. Hoch: dünnere",
    "Learn from": "Lernen von",
    "What the new model learns from": "Wovon das neue Modell lernt",
    "Photos": "Fotos",
    "A folder of photos on this computer": "Ein Ordner mit Fotos auf diesem Rechner",
    "Objects": "Objekte",
    "The selected objects: the generator renders them from many sides": (
        "Die gewählten Objekte: der Generator rendert sie von vielen Seiten"
    ),
    "Data Set": "Datensatz",
    "A data set that was rendered at the generator": "Ein Datensatz, der beim Generator gerendert wurde",
    "Data set": "Datensatz",
    "Name of a data set at the generator": "Name eines Datensatzes beim Generator",
    "Folder": "Ordner",
    "Folder with photos of one kind of thing; folders in it count": (
        "Ordner mit Fotos von einer Art von Dingen; Ordner darin zählen mit"
    ),
    "Folder of the photos; folders in it count": "Ordner der Fotos; Ordner darin zählen mit",
    "Name": "Name",
    "What the new model is called: letters, digits, - and _": (
        "Wie das neue Modell heißt: Buchstaben, Ziffern, - und _"
    ),
    "What the data set is called: letters, digits, - and _": "Wie der Datensatz heißt: Buchstaben, Ziffern, - und _",
    "Photos of one kind of thing on a plain background": "Fotos von einer Art von Dingen vor einfarbigem Hintergrund",
    "Pictures with transparency, such as renders of models": "Bilder mit Transparenz, etwa gerenderte Modelle",
    "Settings": "Einstellungen",
    "Settings of the preset to change, such as total_images=20000 renderer.samples=2": (
        "Zu ändernde Werte der Vorgabe, etwa total_images=20000 renderer.samples=2"
    ),
    "For experts: settings of the preset to change, such as total_images=20000 renderer.samples=2": (
        "Für Fachleute: zu ändernde Werte der Vorgabe, etwa total_images=20000 renderer.samples=2"
    ),
    "Go on with the run of that name where it stopped, with the photos that it has": (
        "Den Lauf dieses Namens dort fortsetzen, wo er anhielt, mit den Fotos, die er hat"
    ),
    "Shapes": "Formen",
    "What is rendered": "Was gerendert wird",
    "Chair": "Stuhl",
    "Couch": "Sofa",
    "Bathtub": "Badewanne",
    "Table": "Tisch",
    "Mushroom": "Pilz",
    "Cubes": "Würfel",
    "Made by rules, each one different: {}": "Nach Regeln gemacht, jede anders: {}",
    "Selected objects": "Gewählte Objekte",
    "The selected mesh objects, as their modifiers make them": "Die gewählten Mesh-Objekte mit ihren Modifikatoren",
    "How many different shapes": "Wie viele verschiedene Formen",
    "Views": "Ansichten",
    "Images of each shape, each from another side": "Bilder von jeder Form, jedes von einer anderen Seite",
    "Size": "Größe",
    "Width and height of an image in pixels": "Breite und Höhe eines Bildes in Pixeln",
    "Samples": "Abtastungen",
    "Work": "Arbeit",
    "Training": "Training",
    "The training that the panel is set to": "Das im Bedienfeld eingestellte Training",
    "The data set that the panel is set to": "Der im Bedienfeld eingestellte Datensatz",
    "Format": "Format",
    "glTF: for the web, game engines and viewers": "glTF: für das Web, Spiele und Betrachter",
    "For almost every 3D program": "Für fast jedes 3D-Programm",
    "For 3D printers": "Für 3D-Drucker",
    "For scans and science": "Für Scans und Wissenschaft",
    "For Omniverse and other film pipelines": "Für Omniverse und andere Filmproduktionen",
    # Preferences
    "Generator": "Generator",
    "Where the generator runs": "Wo der Generator läuft",
    "This computer": "Dieser Rechner",
    "Started when it is needed, and stopped with Blender": "Startet, wenn er gebraucht wird, und endet mit Blender",
    "Another computer": "Ein anderer Rechner",
    "A generator that somebody started, reached by its pairing line": (
        "Ein von jemandem gestarteter Generator, erreicht über seine Kopplungszeile"
    ),
    "Installed in": "Installiert in",
    "Folder of the Unrender environment, or its program; empty: look in the usual places": (
        "Ordner der Unrender-Umgebung oder ihr Programm; leer: an den üblichen Orten suchen"
    ),
    "Start with Blender": "Mit Blender starten",
    "Connect shortly after Blender has started; off: only when you press Connect": (
        "Kurz nach dem Start von Blender verbinden; aus: nur, wenn Sie Verbinden drücken"
    ),
    "Stop with Blender": "Mit Blender beenden",
    "The generator ends when Blender does; off: it goes on with its jobs for the next Blender": (
        "Der Generator endet mit Blender; aus: er arbeitet für das nächste Blender weiter"
    ),
    "Pairing line": "Kopplungszeile",
    "The line that the generator printed when it was started on the other computer": (
        "Die Zeile, die der Generator beim Start auf dem anderen Rechner ausgegeben hat"
    ),
    "Face limit": "Flächengrenze",
    "Meshes with more faces are simplified before they are sent": (
        "Meshes mit mehr Flächen werden vor dem Senden vereinfacht"
    ),
    "No telemetry: nothing is sent to anybody but the generator.": (
        "Keine Telemetrie: nichts wird an andere als den Generator gesendet."
    ),
    "Testing": "Prüft",
    "Found:": "Gefunden:",
    "On the other computer, this prints the pairing line:": "Auf dem anderen Rechner gibt dies die Kopplungszeile aus:",
    "The generator was not found. In the Unrender folder, a terminal makes it:": (
        "Der Generator wurde nicht gefunden. Im Ordner von Unrender macht ihn ein Terminal:"
    ),
    "Blender is in offline mode: only a generator on this computer can be reached.": (
        "Blender ist ohne Netzzugang: nur ein Generator auf diesem Rechner ist erreichbar."
    ),
    "The generator is installed in {} and does not run; Connect starts it.": (
        "Der Generator ist in {} installiert und läuft nicht; Verbinden startet ihn."
    ),
    "The generator greeted, and then did not answer.": "Der Generator hat gegrüßt und dann nicht geantwortet.",
    # Problems of the connection
    "The generator is not installed where the add-on looks for it.": (
        "Der Generator ist nicht dort installiert, wo das Add-on ihn sucht."
    ),
    "Choose its folder in the preferences, or run scripts/demo once in the Unrender folder.": (
        "Wählen Sie seinen Ordner in den Einstellungen, oder führen Sie im Ordner von Unrender einmal scripts/demo aus."
    ),
    "The generator did not start in time.": "Der Generator ist nicht rechtzeitig gestartet.",
    "Press Connect to try again; if it happens twice, press Copy report.": (
        "Drücken Sie Verbinden für einen neuen Versuch; geschieht es zweimal, drücken Sie Bericht kopieren."
    ),
    "Nothing answered at the generator's address.": "Unter der Adresse des Generators hat nichts geantwortet.",
    "Check that the generator is running there and that the address and port are right, then press Connect.": (
        "Prüfen Sie, ob der Generator dort läuft und Adresse und Port stimmen, und drücken Sie dann Verbinden."
    ),
    "The generator stopped answering.": "Der Generator antwortet nicht mehr.",
    "Its jobs are kept. The add-on keeps trying; press Connect to try now.": (
        "Seine Aufträge bleiben. Das Add-on versucht es weiter; drücken Sie Verbinden, um es jetzt zu versuchen."
    ),
    "Something answers at that address, but it is not the generator.": (
        "Unter dieser Adresse antwortet etwas, aber es ist nicht der Generator."
    ),
    "Check the port in the preferences against the line that the generator printed, then press Connect.": (
        "Vergleichen Sie den Port in den Einstellungen mit der Zeile des Generators, und drücken Sie dann Verbinden."
    ),
    "The generator has not answered for a long time.": "Der Generator hat lange nicht geantwortet.",
    "Press Connect when it is running again. Its jobs are kept.": (
        "Drücken Sie Verbinden, wenn er wieder läuft. Seine Aufträge bleiben."
    ),
    "The generator keeps stopping right after it starts.": "Der Generator endet immer gleich nach dem Start.",
    "Press Copy report and look at its last lines, then press Connect to try again.": (
        "Drücken Sie Bericht kopieren, lesen Sie die letzten Zeilen, und drücken Sie dann Verbinden."
    ),
    "Blender is in offline mode, and the generator is on another computer.": (
        "Blender ist ohne Netzzugang, und der Generator ist auf einem anderen Rechner."
    ),
    "Allow online access in Preferences > System > Network, or use this computer.": (
        "Erlauben Sie den Netzzugang unter Einstellungen > System > Netzwerk, oder nehmen Sie diesen Rechner."
    ),
    "The generator's address is not complete.": "Die Adresse des Generators ist nicht vollständig.",
    "In the preferences, paste the pairing line that the generator printed, or its address such as "
    "tcp://127.0.0.1:5555.": (
        "Fügen Sie in den Einstellungen die Kopplungszeile des Generators ein, oder seine Adresse wie "
        "tcp://127.0.0.1:5555."
    ),
    "There is no pairing line yet for the generator on the other computer.": (
        "Für den Generator auf dem anderen Rechner gibt es noch keine Kopplungszeile."
    ),
    "There, run: unrender serve --host 0.0.0.0 --port 7707 --public --pair NAME. Paste the line that it prints.": (
        "Führen Sie dort aus: unrender serve --host 0.0.0.0 --port 7707 --public --pair NAME. Fügen Sie die Zeile ein, "
        "die es ausgibt."
    ),
    "The add-on's own libraries (pyzmq, msgpack, unrender-protocol) are missing.": (
        "Die eigenen Bibliotheken des Add-ons (pyzmq, msgpack, unrender-protocol) fehlen."
    ),
    "Install the add-on again from its zip for this version of Blender.": (
        "Installieren Sie das Add-on neu aus seiner Zip-Datei für diese Blender-Version."
    ),
    "This Blender's Python has no numpy, which meshes and pictures need.": (
        "Das Python dieses Blenders hat kein numpy, das Meshes und Bilder brauchen."
    ),
    "Install it (on Debian and Ubuntu: sudo apt install python3-numpy), then start Blender again.": (
        "Installieren Sie es (auf Debian und Ubuntu: sudo apt install python3-numpy), und starten Sie Blender neu."
    ),
    "The connection failed: {}": "Die Verbindung ist gescheitert: {}",
    "Press Connect to try again.": "Drücken Sie Verbinden für einen neuen Versuch.",
    "The generator stopped{}.{}": "Der Generator wurde beendet{}.{}",
    "Press Connect to start it again, or Copy report to see its last lines.": (
        "Drücken Sie Verbinden, um ihn neu zu starten, oder Bericht kopieren für seine letzten Zeilen."
    ),
    "The generator cannot be started: {}.": "Der Generator kann nicht gestartet werden: {}.",
    "The generator's folder cannot be written to: {}: {}.": (
        "In den Ordner des Generators kann nicht geschrieben werden: {}: {}."
    ),
    "Make it writable, or set UNRENDER_HOME to a folder that is, and start Blender again.": (
        "Machen Sie ihn beschreibbar, oder setzen Sie UNRENDER_HOME auf einen solchen Ordner, und starten Sie Blender "
        "neu."
    ),
    "There is no generator in {}.": "In {} ist kein Generator.",
    "Choose the folder of its environment (.venv) in the preferences, or leave the field empty.": (
        "Wählen Sie in den Einstellungen den Ordner seiner Umgebung (.venv), oder lassen Sie das Feld leer."
    ),
    "The generator is older than this add-on.": "Der Generator ist älter als dieses Add-on.",
    "Update the generator (Unrender backend), then press Connect. ({})": (
        "Aktualisieren Sie den Generator (Unrender-Backend), und drücken Sie dann Verbinden. ({})"
    ),
    "This add-on is older than the generator.": "Dieses Add-on ist älter als der Generator.",
    "Update the Unrender add-on, then press Connect. ({})": (
        "Aktualisieren Sie das Add-on Unrender, und drücken Sie dann Verbinden. ({})"
    ),
    # Problems of jobs
    "The request cannot be sent: {}.": "Die Anfrage kann nicht gesendet werden: {}.",
    "Change its settings, or report it.": "Ändern Sie die Einstellungen, oder melden Sie es.",
    "The generator did not answer this request.": "Der Generator hat diese Anfrage nicht beantwortet.",
    "Press Retry; it is run only once, even if the first request did arrive.": (
        "Drücken Sie Nochmals; es wird nur einmal ausgeführt, auch wenn die erste Anfrage ankam."
    ),
    "The generator did not confirm that the job stopped.": (
        "Der Generator hat nicht bestätigt, dass der Auftrag angehalten hat."
    ),
    "Disconnect and connect again to see where it stands, or press Retry.": (
        "Trennen und verbinden Sie neu, um zu sehen, wie er steht, oder drücken Sie Nochmals."
    ),
    "The generator no longer knows this job.": "Der Generator kennt diesen Auftrag nicht mehr.",
    "Press Retry to run it again.": "Drücken Sie Nochmals, um ihn neu auszuführen.",
    "The generator did not say what became of this job.": "Der Generator sagte nicht, was aus diesem Auftrag wurde.",
    "Press Retry; if the job had finished, its result comes at once.": (
        "Drücken Sie Nochmals; war der Auftrag fertig, kommt sein Ergebnis sofort."
    ),
    "The generator was not seen again for a day.": "Der Generator war einen Tag lang nicht zu sehen.",
    "Press Connect, then Retry.": "Drücken Sie Verbinden, dann Nochmals.",
    "The generator sent a result that is not a set of meshes.": (
        "Der Generator hat ein Ergebnis gesendet, das keine Meshes enthält."
    ),
    "Press Retry. If it happens again, press Copy report: add-on and generator may not fit together.": (
        "Drücken Sie Nochmals. Geschieht es wieder, drücken Sie Bericht kopieren: Add-on und Generator passen "
        "vielleicht nicht zusammen."
    ),
    "The mesh has {} faces, and the limit in the preferences is {}.": (
        "Das Mesh hat {} Flächen, und die Grenze in den Einstellungen ist {}."
    ),
    "Press Simplify to make it again with fewer faces, or raise the limit in the preferences.": (
        "Drücken Sie Vereinfachen, um es mit weniger Flächen neu zu machen, oder erhöhen Sie die Grenze in den "
        "Einstellungen."
    ),
    "There is no such result any more.": "Dieses Ergebnis gibt es nicht mehr.",
    "Run the job again in the Jobs list.": "Führen Sie den Auftrag in der Liste der Aufträge noch einmal aus.",
    # Problems with files and objects
    "The disk with the photos does not answer.": "Der Datenträger mit den Fotos antwortet nicht.",
    "Check that it is connected, then press Retry.": "Prüfen Sie, ob er verbunden ist, und drücken Sie dann Nochmals.",
    "There is no folder {}.": "Es gibt keinen Ordner {}.",
    "Choose the folder with your photos.": "Wählen Sie den Ordner mit Ihren Fotos.",
    "There are no photos in {}.": "In {} sind keine Fotos.",
    "Choose a folder with PNG, JPEG, WebP, BMP or TIFF files.": (
        "Wählen Sie einen Ordner mit PNG-, JPEG-, WebP-, BMP- oder TIFF-Dateien."
    ),
    "{} cannot be read: {}.": "{} kann nicht gelesen werden: {}.",
    "Check the file, or remove it.": "Prüfen Sie die Datei, oder entfernen Sie sie.",
    "The photos have {} MB, and {} MB can be sent.": "Die Fotos haben {} MB, und {} MB können gesendet werden.",
    "Make them smaller (1000 pixels are plenty), or take fewer.": (
        "Machen Sie sie kleiner (1000 Pixel genügen reichlich), oder nehmen Sie weniger."
    ),
    "{} changed while it was read.": "{} änderte sich beim Lesen.",
    "Wait until the folder is complete.": "Warten Sie, bis der Ordner vollständig ist.",
    "What goes with the job cannot be read: {}.": "Was zum Auftrag gehört, kann nicht gelesen werden: {}.",
    "Copy the folder, and use the copy.": "Kopieren Sie den Ordner, und nehmen Sie die Kopie.",
    "{} objects are selected, and {} can be sent.": "{} Objekte sind gewählt, und {} können gesendet werden.",
    "Select fewer, or join some of them.": "Wählen Sie weniger, oder verbinden Sie einige.",
    "No mesh with faces is selected.": "Es ist kein Mesh mit Flächen gewählt.",
    "Select the objects to send.": "Wählen Sie die Objekte, die gesendet werden sollen.",
    "Blender's glTF 2.0 add-on is disabled; enable it in the preferences.": (
        "Blenders Add-on glTF 2.0 ist ausgeschaltet; schalten Sie es in den Einstellungen ein."
    ),
    "This Blender cannot write {} files; choose another format.": (
        "Dieses Blender kann keine {}-Dateien schreiben; wählen Sie ein anderes Format."
    ),
    "The folder {} cannot be made ({}); choose another one.": (
        "Der Ordner {} kann nicht angelegt werden ({}); wählen Sie einen anderen."
    ),
    "{} could not be written: {}": "{} konnte nicht geschrieben werden: {}",
    # Data sets in a folder
    "{objects} objects, {images} images": "{objects} Objekte, {images} Bilder",
    "Estimate": "Schätzen",
    "Blender starts": "Blender startet",
    "Open Folder": "Ordner öffnen",
    "{speed} images/s": "{speed} Bilder/s",
    "More than {count} objects": "Mehr als {count} Objekte",
    "{done} of {total}": "{done} von {total}",
    "{images} images take about {time}": "{images} Bilder brauchen etwa {time}",
    "Data set in a folder": "Datensatz in einem Ordner",
    "The data set of your objects that the panel is set to": (
        "Der Datensatz aus Ihren Objekten, auf den das Panel eingestellt ist"
    ),
    "Render five of the images into a folder that is removed again, and show how long all of them will take": (
        "Fünf der Bilder in einen Ordner rendern, der wieder gelöscht wird, und zeigen, wie lange alle brauchen"
    ),
    "Render": "Rendern",
    "Render the objects from all sides into the folder; the scene stays as it is, and you can go on working": (
        "Die Objekte von allen Seiten in den Ordner rendern; die Szene bleibt, wie sie ist; arbeiten Sie ruhig weiter"
    ),
    "Continue the data set in the folder, with the objects and settings that it was begun with": (
        "Den Datensatz im Ordner fortsetzen, mit den Objekten und Einstellungen, mit denen er begonnen wurde"
    ),
    "Stop Rendering": "Rendern anhalten",
    "Stop rendering; the images that are there stay, and Resume continues": (
        "Das Rendern anhalten; die fertigen Bilder bleiben, und Fortsetzen macht weiter"
    ),
    "Clear": "Ausblenden",
    "Show this no longer; the folder stays as it is": "Dies nicht mehr zeigen; der Ordner bleibt, wie er ist",
    "There is no folder for the images yet.": "Es gibt noch keinen Ordner für die Bilder.",
    "Choose one under Folder.": "Wählen Sie einen unter Ordner.",
    "The folder {} lies beside a file that is not saved yet.": (
        "Der Ordner {} liegt neben einer Datei, die noch nicht gespeichert ist."
    ),
    "Save the file, or choose a folder by its whole path.": (
        "Speichern Sie die Datei, oder wählen Sie einen Ordner mit ganzem Pfad."
    ),
    "Another data set is being rendered": "Ein anderer Datensatz wird gerendert",
    "The folder {} holds a data set already.": "Im Ordner {} ist schon ein Datensatz.",
    "Press Resume to continue it, or choose another folder.": (
        "Drücken Sie Fortsetzen, oder wählen Sie einen anderen Ordner."
    ),
    "The folder {} holds nothing that can be continued.": "Im Ordner {} ist nichts, was fortgesetzt werden kann.",
    "Press Render, or choose another folder.": "Drücken Sie Rendern, oder wählen Sie einen anderen Ordner.",
    "There is no room for an estimate: {}.": "Für eine Schätzung ist kein Platz: {}.",
    "Make room on the disk, or set Temporary Files in the preferences.": (
        "Schaffen Sie Platz, oder stellen Sie in den Einstellungen einen anderen Ordner für temporäre Dateien ein."
    ),
    "The folder {} holds another data set or other images.": (
        "Im Ordner {} ist ein anderer Datensatz, oder andere Bilder."
    ),
    "Choose another folder.": "Wählen Sie einen anderen Ordner.",
    "The folder {} cannot be written to: {}.": "In den Ordner {} kann nicht geschrieben werden: {}.",
    "Choose another folder, or make room on the disk.": "Wählen Sie einen anderen Ordner, oder schaffen Sie Platz.",
    "The Blender that rendered has ended ({}).": "Das Blender, das gerendert hat, ist beendet ({}).",
    "Press Resume to continue, or try again.": "Drücken Sie Fortsetzen, oder versuchen Sie es noch einmal.",
    "Another data set is being rendered; wait, or press its cancel button": (
        "Ein anderer Datensatz wird gerendert; warten Sie, oder brechen Sie ihn ab"
    ),
    "{} images could not be rendered: {}": "{} Bilder konnten nicht gerendert werden: {}",
    "The file failures.jsonl in the folder lists them all.": "Die Datei failures.jsonl im Ordner führt alle auf.",
    "Blender cannot be started once more: {}.": "Blender kann kein weiteres Mal gestartet werden: {}.",
    "Restart Blender, then try again.": "Starten Sie Blender neu, und versuchen Sie es noch einmal.",
    "No object that can be rendered is chosen.": "Es ist kein Objekt gewählt, das gerendert werden kann.",
    "Select mesh objects, or choose a collection that has some.": (
        "Wählen Sie Meshes, oder eine Sammlung, die welche hat."
    ),
    "The copy of the objects {} cannot be written: {}.": "Die Kopie der Objekte {} kann nicht geschrieben werden: {}.",
    "{} has no pass {}; leave it out or use {}.": "{} hat keinen Pass {}; lassen Sie ihn weg, oder nehmen Sie {}.",
    "The pass flow leads from one view to the next; it needs at least 2 views.": (
        "Der Pass Fluss führt von einer Ansicht zur nächsten; er braucht mindestens 2 Ansichten."
    ),
    "Writing failed: {}. Free some space, then press Resume.": (
        "Das Schreiben ist gescheitert: {}. Schaffen Sie Platz, und drücken Sie dann Fortsetzen."
    ),
    "{} cannot be used ({}). {} renders instead.": "{} kann nicht genommen werden ({}). Stattdessen rendert {}.",
    "the Python of this Blender lacks numpy; install it (python3-numpy).": (
        "Dem Python dieses Blenders fehlt numpy; installieren Sie es (python3-numpy)."
    ),
    "For Training": "Zum Trainieren",
    "The generator renders shapes, and keeps the images to train on": (
        "Der Generator rendert Formen und behält die Bilder zum Trainieren"
    ),
    "Into a Folder": "In einen Ordner",
    "A Blender of its own renders your objects into a folder; needs no generator": (
        "Ein eigenes Blender rendert Ihre Objekte in einen Ordner; braucht keinen Generator"
    ),
    "The selected objects and what is parented to them": "Die gewählten Objekte und was ihnen untergeordnet ist",
    "Collection": "Sammlung",
    "All objects of a collection that renders show": "Alle Objekte einer Sammlung, die beim Rendern zu sehen sind",
    "From all sides": "Von allen Seiten",
    "Random directions all round, from somewhat below to high above": (
        "Zufällige Richtungen ringsum, von etwas unterhalb bis hoch oben"
    ),
    "From above": "Von oben",
    "Random directions all round, always from above": "Zufällige Richtungen ringsum, immer von oben",
    "Turntable": "Drehteller",
    "Evenly spaced all round": "Gleichmäßig ringsum",
    "Whole sphere": "Ganze Kugel",
    "Random directions, also from straight above and below": "Zufällige Richtungen, auch von genau oben und unten",
    "Cycles": "Cycles",
    "Has all passes": "Hat alle Passes",
    "EEVEE": "EEVEE",
    "Fast with a graphics card; has no part numbers": "Schnell mit einer Grafikkarte; hat keine Nummern der Teile",
    "Workbench": "Workbench",
    "Very fast, without materials; has outline and depth only": (
        "Sehr schnell, ohne Materialien; hat nur Umriss und Tiefe"
    ),
    "CPU": "CPU",
    "Render with the processor": "Mit dem Prozessor rendern",
    "GPU": "GPU",
    "Render with the graphics card where Cycles can use it, otherwise with the processor": (
        "Mit der Grafikkarte rendern, wo Cycles sie nutzen kann, sonst mit dem Prozessor"
    ),
    "Mask": "Maske",
    "Where the object is, as PNG": "Wo das Objekt ist, als PNG",
    "Depth": "Tiefe",
    "Distance from the camera, as EXR": "Abstand von der Kamera, als EXR",
    "Normals": "Normalen",
    "Directions of the surface as the camera sees them, as EXR": (
        "Richtungen der Oberfläche, von der Kamera aus, als EXR"
    ),
    "Parts": "Teile",
    "A number for each part of the object, as PNG": "Eine Nummer für jeden Teil des Objekts, als PNG",
    "Flow": "Fluss",
    "Where each pixel moves to in the next view, as EXR": "Wohin jedes Pixel in der nächsten Ansicht wandert, als EXR",
    "What the images are for": "Wofür die Bilder sind",
    "The collection whose objects are rendered": "Die Sammlung, deren Objekte gerendert werden",
    "Images of each object, each from another side": "Bilder jedes Objekts, jedes von einer anderen Seite",
    "Per pixel: more give less noise and take longer": "Je Pixel: mehr rauschen weniger und dauern länger",
    "Seen": "Gesehen",
    "Where the camera stands": "Wo die Kamera steht",
    "Engine": "Renderer",
    "What renders the images": "Was die Bilder rendert",
    "Device": "Gerät",
    "What Cycles renders with": "Womit Cycles rendert",
    "Passes": "Passes",
    "What is written beside the colours": "Was neben den Farben geschrieben wird",
    "A new folder for the images": "Ein neuer Ordner für die Bilder",
    # Shapes that come with a texture
    "Azimuth": "Azimut",
    "Elevation": "Höhenwinkel",
    "Which side of the selected shapes is in front": "Welche Seite der gewählten Formen vorn ist",
    "How far the selected shapes are seen from above": "Wie weit von oben die gewählten Formen zu sehen sind",
    "Show Textures": "Texturen zeigen",
    "Let this solid view show pictures on objects instead of one colour for each material": (
        "Diese solide Ansicht Bilder auf Objekten zeigen lassen statt einer Farbe je Material"
    ),
    "Each row: a picture, its normals, texture and background, then five other sides. The last row: your pictures": (
        "Jede Zeile: ein Bild, seine Normalen, Textur und Hintergrund, dann fünf andere Seiten. "
        "Die letzte Zeile: Ihre Bilder"
    ),
    "Colours": "Farben",
    "As Textured mesh learns them; without, all shapes are white": (
        "Wie sie Mesh mit Textur lernt; ohne sind alle Formen weiß"
    ),
    "Only data sets that were rendered with colours have some to learn": (
        "Nur in Datensätzen, die mit Farben gerendert wurden, sind welche zu lernen"
    ),
    "{} came with its texture, and has one mesh only.": "{} kam mit seiner Textur und hat nur ein Mesh.",
    "Select shapes without a texture.": "Wählen Sie Formen ohne Textur.",
    "Raise the limit in the preferences, then import it in the Jobs list.": (
        "Erhöhen Sie die Grenze in den Einstellungen und importieren Sie es dann in der Liste der Aufträge."
    ),
    "Photos are taken as they are: no masks, and backgrounds may differ. "
    "Each shows one whole object in the middle, about equally large in all of them": (
        "Fotos werden genommen, wie sie sind: ohne Masken, und die Hintergründe dürfen verschieden sein. "
        "Jedes zeigt ein ganzes Objekt in der Mitte, in allen etwa gleich groß"
    ),
    "Objects are rendered without their materials, so only their shape is learned. "
    "To learn their colours too, render them into a folder and train on these": (
        "Objekte werden ohne ihre Materialien gerendert, also wird nur ihre Form gelernt. "
        "Um auch ihre Farben zu lernen, rendern Sie sie in einen Ordner und trainieren Sie damit"
    ),
    # Meshes of selected shapes; methods, presets and curves of a training
    "Selected Shapes": "Gewählte Formen",
    "{name} and {count} more": "{name} und {count} weitere",
    "This training has not measured that yet.": "Dieses Training hat das noch nicht gemessen.",
    "Axis {foot} - {top}": "Achse {foot} - {top}",
    "Generator {value}": "Generator {value}",
    "Discriminator {value}": "Diskriminator {value}",
    "Train on These": "Damit trainieren",
    "Choose the images in this folder for the next training": (
        "Die Bilder in diesem Ordner für das nächste Training wählen"
    ),
    "Change Mesh": "Mesh ändern",
    "Give a generated object the mesh that was made for it": (
        "Einem erzeugten Objekt das Mesh geben, das dafür gemacht wurde"
    ),
    "Change Mesh Further": "Mesh weiter ändern",
    "Give a generated object the next mesh of the same change": (
        "Einem erzeugten Objekt das nächste Mesh derselben Änderung geben"
    ),
    "Method": "Verfahren",
    "How the model learns; the generator's first where empty": "Wie das Modell lernt; leer: das erste des Generators",
    "Preset": "Vorgabe",
    "Name of the settings to begin from; those that suit the pictures where empty": (
        "Name der Werte, von denen ausgegangen wird; leer: die zu den Bildern passenden"
    ),
    "Which objects are learned from": "Von welchen Objekten gelernt wird",
    "The collection whose objects are learned from": "Die Sammlung, von deren Objekten gelernt wird",
    "Images": "Bilder",
    "How many images of all objects together are rendered": (
        "Wie viele Bilder von allen Objekten zusammen gerendert werden"
    ),
    "The generator did not make the mesh.": "Der Generator hat das Mesh nicht gemacht.",
    "Move the slider again; if that does not help, press Copy report.": (
        "Den Regler noch einmal bewegen; hilft das nicht, Bericht kopieren."
    ),
    "The generator is older than this add-on, and cannot change meshes afterwards.": (
        "Der Generator ist älter als dieses Add-on und kann Meshes nachträglich nicht ändern."
    ),
    "Update the generator, or generate the shapes anew with these settings.": (
        "Den Generator aktualisieren oder die Formen mit diesen Werten neu erzeugen."
    ),
    "The generator makes the meshes, and is not connected.": (
        "Die Meshes macht der Generator, und der ist nicht verbunden."
    ),
    "Press Connect.": "Auf Verbinden drücken.",
    "Solid shapes, learned through Blender's own renderer": "Feste Formen, gelernt durch Blenders eigenen Renderer",
    "{} is not the shape any more that was generated.": "{} ist nicht mehr die Form, die erzeugt wurde.",
    "Generate it anew to change it.": "Neu erzeugen, um sie zu ändern.",
    "{} is linked from another file.": "{} ist aus einer anderen Datei verknüpft.",
    "Open that file to change it.": "Zum Ändern jene Datei öffnen.",
    "{} has shape keys, which belong to its mesh.": "{} hat Formschlüssel, die zu seinem Mesh gehören.",
    "Remove them to change it.": "Sie entfernen, um es zu ändern.",
    "{} is being edited.": "{} wird gerade bearbeitet.",
    "Leave Edit Mode to change it.": "Zum Ändern den Bearbeitungsmodus verlassen.",
    "From the front": "Von vorn",
    "Random directions up to 60 degrees to either side, from above": (
        "Zufällige Richtungen bis 60 Grad nach beiden Seiten, von oben"
    ),
    "KID": "KID",
    "How far the pictures of the model are from yours; lower is better": (
        "Wie weit die Bilder des Modells von deinen weg sind; weniger ist besser"
    ),
    "FID": "FID",
    "The same by another measure, which more people know; lower is better": (
        "Dasselbe nach einem anderen Maß, das mehr Leute kennen; weniger ist besser"
    ),
    "Losses": "Verluste",
    "What generator and discriminator still get wrong; neither should vanish": (
        "Was Generator und Diskriminator noch falsch machen; keiner soll verschwinden"
    ),
    "Smoothing": "Glättung",
    "How much of the steps of the voxels is taken off": "Wie viel von den Stufen der Voxel weggenommen wird",
    "Resolution": "Auflösung",
    "How fine the mesh is": "Wie fein das Mesh ist",
    "Of the selected shapes, at once. Low: fuller. High: thinner": (
        "Der gewählten Formen, sofort. Niedrig: voller. Hoch: dünner"
    ),
    "How much of the steps of the voxels is taken off the selected shapes": (
        "Wie viel von den Stufen der Voxel von den gewählten Formen weggenommen wird"
    ),
    "How fine the meshes of the selected shapes are": "Wie fein die Meshes der gewählten Formen sind",
    "How the new model learns": "Wie das neue Modell lernt",
    "Size, length and settings of the training": "Größe, Länge und Werte des Trainings",
    "How many images of all of them together are rendered": "Wie viele Bilder von allen zusammen gerendert werden",
    "Curve": "Kurve",
    "What is drawn of the training": "Was vom Training gezeichnet wird",
    "Voxels": "Voxel",
    "One cell of the mesh per voxel along each axis": "Eine Zelle des Meshes je Voxel entlang jeder Achse",
    "Finer": "Feiner",
    "Two cells per voxel: four times as many faces, and rounder": (
        "Zwei Zellen je Voxel: viermal so viele Flächen, und runder"
    ),
    # What the generator says
    "Visual hull": "Sichtbare Hülle",
    "Absorption": "Absorption",
    "Emission and absorption": "Emission und Absorption",
    "Pictures only": "Nur Bilder",
    "Solid shapes with hollows and holes, learned through Blender's own renderer": (
        "Feste Formen mit Höhlungen und Löchern, gelernt durch Blenders eigenen Renderer"
    ),
    "A baseline that sees outlines only (PrGAN): hollows stay filled": (
        "Vergleichsverfahren, das nur Umrisse sieht (PrGAN): Höhlungen bleiben gefüllt"
    ),
    "A baseline that sees how much light a shape swallows, without shading": (
        "Vergleichsverfahren, das sieht, wie viel Licht eine Form verschluckt, ohne Schattierung"
    ),
    "A baseline that sees shapes as glowing fog (PlatonicGAN)": (
        "Vergleichsverfahren, das Formen als leuchtenden Nebel sieht (PlatonicGAN)"
    ),
    "A baseline that makes pictures and no shapes (DCGAN): nothing can be generated into a scene": (
        "Vergleichsverfahren, das Bilder und keine Formen macht (DCGAN): in eine Szene kann nichts erzeugt werden"
    ),
    "Textured mesh": "Mesh mit Textur",
    "Closed shapes with their colours, learned from whole photographs as they are (Szabo et al.)": (
        "Geschlossene Formen mit ihren Farben, gelernt aus ganzen Fotos, wie sie sind (Szabo et al.)"
    ),
    "Seed {} gives an empty shape at threshold {} (its densest voxel has {}).": (
        "Startwert {} gibt bei der Schwelle {} eine leere Form (das dichteste Voxel hat {})."
    ),
    "Lower the threshold, or train the model longer.": "Die Schwelle senken oder das Modell länger trainieren.",
    "The model {} has been trained further since this shape was made.": (
        "Das Modell {} wurde weiter trainiert, seit diese Form gemacht wurde."
    ),
    "Generate it anew.": "Neu erzeugen.",
    "The model {} that made this shape is not here any more.": (
        "Das Modell {}, das diese Form gemacht hat, ist nicht mehr hier."
    ),
    "Connect to the generator that has it, or generate with another model.": (
        "Mit dem Generator verbinden, der es hat, oder mit einem anderen Modell erzeugen."
    ),
}
