from ansible.module_utils.basic import to_text

GREETING = to_text(b"hello from beside the playbook")
