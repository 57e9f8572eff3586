"""What action plugins do on hosts, by the controller's own ways."""

import os
import random
import time

from _trueup import actions


class Methods:
    """Methods of `ActionBase`: ours, and those that stand in for Ansible's where it is installed."""

    def _execute_module(
        self,
        module_name=None,
        module_args=None,
        tmp=None,
        task_vars=None,
        persist_files=False,
        delete_remote_tmp=None,
        wrap_async=False,
        ignore_unknown_opts=False,
    ):
        return actions.execute_module(self._task, module_name, module_args, wrap_async and self._task.async_val)

    def _low_level_execute_command(
        self, cmd, sudoable=True, in_data=None, executable=None, encoding_errors="surrogate_then_replace", chdir=None
    ):
        if not cmd:
            return {}
        said = actions.execute(cmd, in_data=in_data, executable=executable, chdir=chdir)
        stdout, stderr = said["stdout"], said["stderr"]
        return {
            "rc": said["rc"],
            "stdout": stdout,
            "stdout_lines": stdout.splitlines(),
            "stderr": stderr,
            "stderr_lines": stderr.splitlines(),
        }

    def _make_tmp_path(self, remote_user=None):
        from ansible.errors import AnsibleConnectionFailure

        name = "ansible-tmp-%s-%s-%s" % (time.time(), os.getpid(), random.randint(0, 2**48))
        line = 'umask 77 && mkdir -p ~/.ansible/tmp && mkdir ~/.ansible/tmp/{0} && cd ~/.ansible/tmp/{0} && pwd'
        said = self._low_level_execute_command(line.format(name))
        if said["rc"] != 0:
            raise AnsibleConnectionFailure(
                "Failed to create temporary directory. In some cases, you may have been able to authenticate and "
                "did not have permissions on the target directory: %s" % said["stderr"].strip()
            )
        self._connection._shell.tmpdir = said["stdout"].strip() + "/"
        return self._connection._shell.tmpdir

    def _remove_tmp_path(self, tmp_path, force=False):
        tmp_path = tmp_path or self._connection._shell.tmpdir
        if tmp_path and "-tmp-" in tmp_path:
            self._low_level_execute_command(self._connection._shell.remove(tmp_path, recurse=True))
            if tmp_path == self._connection._shell.tmpdir:
                self._connection._shell.tmpdir = None

    def _early_needs_tmp_path(self):
        return bool(getattr(self, "TRANSFERS_FILES", False))

    def _is_pipelining_enabled(self, module_style=None, wrap_async=False):
        return True

    def _transfer_file(self, local_path, remote_path):
        self._connection.put_file(local_path, remote_path)
        return remote_path

    def _transfer_data(self, remote_path, data):
        import base64
        import json

        if isinstance(data, (dict, list)):
            data = json.dumps(data)
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogateescape")
        actions.ask("put", content=base64.b64encode(data).decode("ascii"), dest=remote_path)
        return remote_path

    def _fixup_perms2(self, remote_paths, remote_user=None, execute=True):
        # Whoever runs things on the host is who put them there.
        if execute:
            self._remote_chmod(remote_paths, "u+rx")
        return remote_paths

    def _remote_chmod(self, paths, mode, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chmod(paths, mode))

    def _remote_chown(self, paths, user, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chown(paths, user))

    def _remote_chgrp(self, paths, group, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chgrp(paths, group))

    def _remote_file_exists(self, path):
        return self._low_level_execute_command(self._connection._shell.exists(path))["rc"] == 0

    def _execute_remote_stat(self, path, all_vars=None, follow=True, tmp=None, checksum=True):
        from ansible.errors import AnsibleError

        arguments = {
            "path": path,
            "follow": follow,
            "get_checksum": checksum,
            "get_size": False,
            "get_md5": False,
            "checksum_algorithm": "sha1",
        }
        arguments.pop("get_size")
        arguments.pop("get_md5")
        said = actions.execute_module(self._task, "ansible.legacy.stat", arguments)
        if said.get("failed"):
            raise AnsibleError("Failed to get information on remote file (%s): %s" % (path, said.get("msg")))
        found = said["stat"]
        if not found["exists"]:
            found["checksum"] = "1"
        return found

    def _remote_checksum(self, path, all_vars=None, follow=False):
        found = self._execute_remote_stat(path, all_vars, follow)
        if found.get("isdir"):
            return "3"
        return found.get("checksum", "1")

    def _remote_expand_user(self, path, sudoable=True, pathsep=None):
        from ansible.errors import AnsibleError

        if not path.startswith("~"):
            return path
        home, _, rest = path.partition("/")
        said = self._low_level_execute_command(self._connection._shell.expand_user(home))
        found = said["stdout"].strip().splitlines()[-1:] or [home]
        path = os.path.join(found[0], rest) if rest else found[0]
        if ".." in os.path.dirname(path).split("/"):
            raise AnsibleError(
                "'%s' returned an invalid relative home directory path containing '..'" % self._connection.host
            )
        return path


NAMES = tuple(name for name in vars(Methods) if name.startswith("_") and not name.startswith("__"))
