"""Names of collections."""

import re

_NAME = re.compile(r"^[a-zA-Z_]\w*(\.[a-zA-Z_]\w*){2,}$", re.ASCII)


class AnsibleCollectionConfig:
    default_collection = None
    collection_paths = ()


class AnsibleCollectionRef:
    def __init__(self, collection_name, subdirs, resource, ref_type):
        self.collection = collection_name
        self.subdirs = subdirs or ""
        self.resource = resource
        self.ref_type = ref_type

    @property
    def fqcr(self):
        return ".".join(part for part in (self.collection, self.subdirs, self.resource) if part)

    @staticmethod
    def is_valid_fqcr(ref, ref_type=None):
        return bool(_NAME.match(ref))

    @staticmethod
    def is_valid_collection_name(name):
        return bool(re.match(r"^[a-zA-Z_]\w*\.[a-zA-Z_]\w*$", name, re.ASCII))

    @staticmethod
    def from_fqcr(ref, ref_type):
        if not AnsibleCollectionRef.is_valid_fqcr(ref):
            raise ValueError("%s is not a valid collection reference" % ref)
        parts = ref.split(".")
        return AnsibleCollectionRef(".".join(parts[:2]), ".".join(parts[2:-1]), parts[-1], ref_type)

    @staticmethod
    def try_parse_fqcr(ref, ref_type):
        return AnsibleCollectionRef.from_fqcr(ref, ref_type) if _NAME.match(ref) else None


def resource_from_fqcr(ref):
    return ref.rsplit(".", 1)[-1]
