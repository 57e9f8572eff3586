#!/usr/bin/python
"""Says how it was called."""

DOCUMENTATION = """
An import within a text is none:
from ansible.module_utils.nowhere import nothing
"""

from ansible.module_utils.basic import AnsibleModule, env_fallback

try:
    from ansible.module_utils.nowhere import nothing

    HAS_NOTHING = True
except ImportError:
    HAS_NOTHING = False


def main():
    module = AnsibleModule(
        argument_spec=dict(
            name=dict(required=True, aliases=["title"]),
            state=dict(choices=["present", "absent"], default="present"),
            count=dict(type="int", fallback=(env_fallback, ["PROBE_COUNT"])),
            token=dict(no_log=True),
            items=dict(
                type="list",
                elements="dict",
                options=dict(key=dict(required=True), secret=dict(no_log=True)),
            ),
            old=dict(removed_in_version="9.0.0", removed_from_collection="made.up"),
        ),
        required_if=[("state", "absent", ["count"])],
        supports_check_mode=True,
    )
    if module.params["name"] == "warns":
        module.warn("be careful")
        module.deprecate("it is old", version="9.0.0", collection_name="made.up")
    if module.params["name"] == "fails":
        module.fail_json(msg="it failed with %s" % module.params["token"], rc=3)
    module.exit_json(
        changed=True,
        params=module.params,
        check_mode=module.check_mode,
        diff_mode=module._diff,
        name=module._name,
        has_nothing=HAS_NOTHING,
        tmpdir=module.tmpdir is not None,
        diff=dict(before="a\n", after="b\n"),
    )


if __name__ == "__main__":
    main()
