"""What a program is made of, as CycloneDX 1.6 in JSON (https://cyclonedx.org/docs/1.6/json/).

Made from what cargo says rather than by a tool of its own: those that there are add a random number and the time, and list what only tests need.
"""

import datetime
import json
import re
import uuid

# C libraries that crates bring along, told by the version of the crate: `2.0.16+zstd.1.5.7`.
VENDORED = {"zstd-sys": ("zstd", re.compile(r"\+zstd\.(.+)$"), "pkg:github/facebook/zstd@v{}", "BSD-3-Clause")}


def reference(crate):
    return f"pkg:cargo/{crate.name}@{crate.version}"


def component(crate):
    described = {
        "type": "library",
        "bom-ref": reference(crate),
        "name": crate.name,
        "version": crate.version,
        "licenses": [{"expression": crate.license.replace("/", " OR ")}],
        "purl": reference(crate),
    }
    if crate.checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        described["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return described


def vendored(crate):
    name, pattern, purl, license = VENDORED[crate.name]
    version = pattern.search(crate.version)[1]
    purl = purl.format(version)
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "licenses": [{"expression": license}], "purl": purl}


def bill(package, crates, commit, seconds, rustc):
    """The bill of materials of one program, for all of its architectures."""
    [own] = [crate for crate in crates if crate.name == package]
    others = [crate for crate in crates if crate is not own]
    brought = {reference(crate): vendored(crate) for crate in crates if crate.name in VENDORED}
    release = re.match(r"rustc (\S+)", rustc)[1]
    standard = {
        "type": "library", "bom-ref": f"pkg:github/rust-lang/rust@{release}", "name": "rust-std", "version": release,
        "licenses": [{"expression": "MIT OR Apache-2.0"}], "purl": f"pkg:github/rust-lang/rust@{release}",
    }
    depends = []
    for crate in crates:
        below = [f"pkg:cargo/{name}@{version}" for name, version in crate.below]
        below += [brought[reference(crate)]["bom-ref"]] if reference(crate) in brought else []
        below += [standard["bom-ref"]] if crate is own else []
        depends.append({"ref": reference(crate), "dependsOn": sorted(set(below))})
    depends += [{"ref": each["bom-ref"]} for each in [*brought.values(), standard]]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # The same for the same commit.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'podferry/{package}/{commit}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": component(own) | {"type": "application"},
            "properties": [{"name": "podferry:commit", "value": commit}],
        },
        "components": [*(component(crate) for crate in others), *brought.values(), standard],
        "dependencies": sorted(depends, key=lambda each: each["ref"]),
    }
    return json.dumps(document, indent=1, sort_keys=False) + "\n"
