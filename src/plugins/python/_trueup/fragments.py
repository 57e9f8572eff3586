"""Options that documentation of Ansible's own shares: names, types and defaults."""

constructed = """
options:
  strict: {type: bool, default: false}
  compose: {type: dict, default: {}}
  groups: {type: dict, default: {}}
  keyed_groups: {type: list, elements: dict, default: []}
  use_extra_vars:
    type: bool
    default: false
    ini: [{section: inventory_plugins, key: use_extra_vars}]
    env: [{name: ANSIBLE_INVENTORY_USE_EXTRA_VARS}]
  leading_separator: {type: boolean, default: true}
"""

inventory_cache = """
options:
  cache:
    type: bool
    default: false
    env: [{name: ANSIBLE_INVENTORY_CACHE}]
    ini: [{section: inventory, key: cache}]
  cache_plugin:
    type: str
    default: memory
    env: [{name: ANSIBLE_CACHE_PLUGIN}, {name: ANSIBLE_INVENTORY_CACHE_PLUGIN}]
    ini: [{section: defaults, key: fact_caching}, {section: inventory, key: cache_plugin}]
  cache_timeout:
    type: int
    default: 3600
    env: [{name: ANSIBLE_CACHE_PLUGIN_TIMEOUT}, {name: ANSIBLE_INVENTORY_CACHE_TIMEOUT}]
    ini: [{section: defaults, key: fact_caching_timeout}, {section: inventory, key: cache_timeout}]
  cache_connection:
    type: str
    env: [{name: ANSIBLE_CACHE_PLUGIN_CONNECTION}, {name: ANSIBLE_INVENTORY_CACHE_CONNECTION}]
    ini: [{section: defaults, key: fact_caching_connection}, {section: inventory, key: cache_connection}]
  cache_prefix:
    type: str
    default: ansible_inventory_
    env: [{name: ANSIBLE_CACHE_PLUGIN_PREFIX}, {name: ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX}]
    ini: [{section: defaults, key: fact_caching_prefix}, {section: inventory, key: cache_prefix}]
"""

vars_plugin_staging = """
options:
  stage:
    type: str
    choices: [all, inventory, task]
    env: [{name: ANSIBLE_VARS_PLUGIN_STAGE}]
    ini: [{section: defaults, key: vars_plugin_stage}]
"""

default_callback = """
options:
  display_skipped_hosts:
    type: bool
    default: true
    env: [{name: ANSIBLE_DISPLAY_SKIPPED_HOSTS}]
    ini: [{section: defaults, key: display_skipped_hosts}]
  display_ok_hosts:
    type: bool
    default: true
    env: [{name: ANSIBLE_DISPLAY_OK_HOSTS}]
    ini: [{section: defaults, key: display_ok_hosts}]
  display_failed_stderr:
    type: bool
    default: false
    env: [{name: ANSIBLE_DISPLAY_FAILED_STDERR}]
    ini: [{section: defaults, key: display_failed_stderr}]
  show_custom_stats:
    type: bool
    default: false
    env: [{name: ANSIBLE_SHOW_CUSTOM_STATS}]
    ini: [{section: defaults, key: show_custom_stats}]
  show_per_host_start:
    type: bool
    default: false
    env: [{name: ANSIBLE_SHOW_PER_HOST_START}]
    ini: [{section: defaults, key: show_per_host_start}]
  check_mode_markers:
    type: bool
    default: false
    env: [{name: ANSIBLE_CHECK_MODE_MARKERS}]
    ini: [{section: defaults, key: check_mode_markers}]
  show_task_path_on_failure:
    type: bool
    default: false
    env: [{name: ANSIBLE_SHOW_TASK_PATH_ON_FAILURE}]
    ini: [{section: defaults, key: show_task_path_on_failure}]
"""

result_format_callback = """
options:
  result_format:
    type: str
    default: json
    choices: [json, yaml]
    env: [{name: ANSIBLE_CALLBACK_RESULT_FORMAT}]
    ini: [{section: defaults, key: callback_result_format}]
  result_indentation:
    type: int
    default: 4
    env: [{name: ANSIBLE_CALLBACK_RESULT_INDENTATION}]
    ini: [{section: defaults, key: callback_result_indentation}]
  pretty_results:
    type: bool
    env: [{name: ANSIBLE_CALLBACK_FORMAT_PRETTY}]
    ini: [{section: defaults, key: callback_format_pretty}]
"""

connection_pipelining = """
options:
  pipelining:
    type: boolean
    default: false
    env: [{name: ANSIBLE_PIPELINING}]
    ini: [{section: defaults, key: pipelining}, {section: connection, key: pipelining}]
    vars: [{name: ansible_pipelining}]
"""
