#!/usr/bin/python
import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes


def main():
    module = AnsibleModule(
        argument_spec=dict(path=dict(type="path", required=True), content=dict(required=True)),
        add_file_common_args=True,
        supports_check_mode=True,
    )
    path = module.params["path"]
    changed = module.sha1(path) is None
    if changed and not module.check_mode:
        source = os.path.join(module.tmpdir, "content")
        with open(source, "wb") as stream:
            stream.write(to_bytes(module.params["content"]))
        module.atomic_move(source, path)
    changed = module.set_fs_attributes_if_different(
        module.load_file_common_arguments(module.params), changed
    )
    module.exit_json(changed=changed, sum=module.sha256(path), backup=bool(module.backup_local(path)))


main()
