from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.words import WORDS
module = AnsibleModule({})
module.exit_json(words=WORDS)
