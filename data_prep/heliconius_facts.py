"""What the README published with the Heliconius data says of them: counts, defects, traits."""

from __future__ import annotations

LICENCE = "no licence file found: internal testing only, do not redistribute"

SOURCE_AND_LICENCE = f"""## Source and licence
S. M. Van Belleghem, P. A. Alicea Roman, H. Carbia Gutierrez, B. A. Counterman, R. Papa, "Perfect
mimicry between Heliconius butterflies is constrained by genetics and development" (authors and
title as in the repository patternize-projects/Heliconius_forewing_band; check the journal details
before citing: Proc. R. Soc. B 287:20201267, 2020).

Licence: {LICENCE}."""

#: Images in the published README: wild ones, and those of CRISPR mutants.
PUBLISHED_COUNTS = {"wild specimens": 95, "mutants": 20}
PUBLISHED_PAIRS = {"co-mimic pairs": 14, "co-mimic pairs with a photograph of both races": 3}

#: What separates a pair, by erato race, and where to look; the published README's words ("what a
#: human uses"). Pairs that it does not name are absent.
RAYED = (
    "hindwing_rays",
    "hindwing: erato has one thin rounded orange finger in the cell and thin rays that fan out of "
    "the wing base, melpomene a broad orange bar along the front, a black line under it and "
    "separate rays with thickened inner ends; front margin dull grey-brown in erato, pale cream in "
    "melpomene males",
)
POSTMAN = (
    "forewing_band_edge",
    "very close: outer edge of the red forewing band smoother and more angular in erato, finely "
    "toothed in melpomene; hindwing front margin darker in erato",
)
DIAGNOSTICS = {
    "erato_emma": RAYED,
    "erato_etylus": RAYED,
    "erato_lativitta": RAYED,
    "erato_erato": RAYED,
    "erato_favorinus": POSTMAN,
}

#: Damage and doubts by specimen_id, from the published README.
KNOWN_DEFECTS = {
    "10429079": "right forewing torn",
    "10428229": "torn or worn",
    "10428232": "torn or worn",
    "10428235": "torn or worn",
    "melp_14-133": "torn or worn",
    "IMG_1972": "torn or worn",
    "IMG_1987": "torn or worn",
    "IMG_1855": "torn or worn",
    "IMG_1871": "torn or worn",
    "10428215": "red-edged, hybrid-like band",
    "melp_14-110": "one forewing and one hindwing only",
    "melp_14-138": "the authors note bad landmarks",
    "Rosina-mutant-FK1": "wing base cut off, landmark 1 lies outside the wing",
    "10429064": "locality in doubt",
    "10428266": "locality in doubt",
    "10428267": "locality in doubt",
}

#: Images and races in the published README.
PATTERN_COUNTS = {"patterns": 281, "races": 28, "co-mimic pairs with both races": 14}

#: What the published README names on the forewing; a pattern shows nothing else.
PATCH = (
    "forewing_patch",
    "yellow forewing patch compact in erato; cut into fingers by dark veins, with a scalloped "
    "outer edge, in melpomene",
)
BAND = (
    "forewing_band_edge",
    "outer edge of the forewing band smoother and more angular in erato, finely toothed in "
    "melpomene",
)
PATTERN_DIAGNOSTICS = {
    "erato_emma": PATCH,
    "erato_etylus": PATCH,
    "erato_lativitta": PATCH,
    "erato_erato": PATCH,
    "erato_favorinus": BAND,
}
