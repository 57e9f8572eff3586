import json
from ansible.plugins.cache import BaseFileCacheModule

DOCUMENTATION = '''
name: mine
short_description: one file a host
options:
  _uri: {required: true, type: path, env: [{name: ANSIBLE_CACHE_PLUGIN_CONNECTION}], ini: [{section: defaults, key: fact_caching_connection}]}
  _prefix: {env: [{name: ANSIBLE_CACHE_PLUGIN_PREFIX}], ini: [{section: defaults, key: fact_caching_prefix}]}
  _timeout: {default: 86400, type: integer, env: [{name: ANSIBLE_CACHE_PLUGIN_TIMEOUT}], ini: [{section: defaults, key: fact_caching_timeout}]}
'''


class CacheModule(BaseFileCacheModule):
    def _load(self, filepath):
        with open(filepath) as stream:
            return json.load(stream)

    def _dump(self, value, filepath):
        with open(filepath, 'w') as stream:
            json.dump(dict(value, kept_by='mine'), stream)
