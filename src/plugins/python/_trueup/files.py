"""`DataLoader`, as plugins are given it: files of the controller, decrypted where they need be."""

import json
import os
import tempfile

from _trueup import work_now

VAULT = b"$ANSIBLE_VAULT;"


class FileLoader:
    def __init__(self, folder=None):
        self._basedir = folder or "."
        self._made = set()
        self._vault = self

    secrets = ()

    def get_basedir(self):
        return self._basedir

    def set_basedir(self, folder):
        self._basedir = folder

    def set_vault_secrets(self, secrets):
        pass

    def path_exists(self, path):
        return os.path.exists(self.path_dwim(path))

    def is_file(self, path):
        path = self.path_dwim(path)
        return os.path.isfile(path) or path == os.devnull

    def is_directory(self, path):
        return os.path.isdir(self.path_dwim(path))

    def list_directory(self, path):
        return os.listdir(self.path_dwim(path))

    def is_executable(self, path):
        return os.access(self.path_dwim(path), os.X_OK)

    def path_dwim(self, given):
        from ansible.module_utils.common.text.converters import to_text

        given = os.path.expanduser(to_text(given, errors="surrogate_or_strict"))
        if os.path.isabs(given):
            return os.path.abspath(given)
        return os.path.abspath(os.path.join(self._basedir, given))

    def path_dwim_relative(self, path, dirname, source, is_role=False):
        found = self._candidates([path], dirname, source)
        for candidate in found:
            if os.path.exists(candidate):
                return candidate
        return found[-1] if found else self.path_dwim(source)

    def path_dwim_relative_stack(self, paths, dirname, source, is_role=False):
        from ansible.errors import AnsibleFileNotFound

        if source.startswith(("~", os.sep)):
            path = self.path_dwim(source)
            candidates = [path]
        else:
            candidates = self._candidates(paths or [], dirname, source)
        for candidate in candidates:
            if os.path.exists(candidate):
                return candidate
        raise AnsibleFileNotFound(file_name=source, paths=candidates)

    def _candidates(self, paths, dirname, source):
        found = []
        for path in list(paths) + [self._basedir]:
            folder = os.path.expanduser(path)
            for below in (os.path.join(dirname, source) if dirname else source, source):
                candidate = os.path.abspath(os.path.join(folder, below))
                if candidate not in found:
                    found.append(candidate)
        return found

    def _decrypted(self, content):
        if not content.startswith(VAULT):
            return content, True
        text = work_now().ask("decrypt", text=content.decode("utf-8"))
        return text.encode("utf-8"), False

    def _get_file_contents(self, path):
        from ansible.errors import AnsibleFileNotFound, AnsibleParserError

        if not path or not isinstance(path, (str, bytes)):
            raise AnsibleParserError("Invalid filename: '%s'" % (path,))
        path = self.path_dwim(path)
        if not os.path.exists(path):
            raise AnsibleFileNotFound("Unable to retrieve file contents", file_name=path)
        try:
            with open(path, "rb") as stream:
                return self._decrypted(stream.read())
        except OSError as error:
            raise AnsibleParserError(
                "an error occurred while trying to read the file '%s': %s" % (path, error), orig_exc=error
            )

    def get_text_file_contents(self, path, encoding="utf-8"):
        return self._get_file_contents(path)[0].decode(encoding)

    def load(self, data, file_name="<string>", show_content=True, json_only=False):
        from ansible.errors import AnsibleParserError

        try:
            return json.loads(data)
        except ValueError:
            if json_only:
                raise AnsibleParserError("%s is no JSON" % file_name)
        return work_now().ask_value("yaml", text=data)

    def load_from_file(self, file_name, cache=True, unsafe=False, json_only=False, **_more):
        return self.load(self.get_text_file_contents(file_name), file_name, json_only=json_only)

    def get_real_file(self, path, decrypt=True):
        """A file that has the content in the clear: the file itself, unless it is encrypted."""
        from ansible.errors import AnsibleFileNotFound

        real = self.path_dwim(path)
        if not os.path.isfile(real):
            raise AnsibleFileNotFound(file_name=path)
        with open(real, "rb") as stream:
            content = stream.read()
        if not decrypt or not content.startswith(VAULT):
            return real
        descriptor, made = tempfile.mkstemp()
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(self._decrypted(content)[0])
        self._made.add(made)
        return made

    def cleanup_tmp_file(self, path):
        if path in self._made:
            os.unlink(path)
            self._made.discard(path)

    def cleanup_all_tmp_files(self):
        for path in list(self._made):
            self.cleanup_tmp_file(path)

    def find_vars_files(self, path, name, extensions=None, allow_dir=True):
        """Files of variables of a name: with an ending, or all those of a folder of that name."""
        endings = extensions if extensions is not None else ["", ".yml", ".yaml", ".json"]
        if "" not in endings:
            endings = [""] + list(endings)
        base = os.path.join(path, name)
        for ending in endings:
            full = base + ending
            if not os.path.exists(full):
                continue
            if not os.path.isdir(full):
                return [full]
            if not allow_dir:
                continue
            return sorted(self._below(full, endings))
        return []

    def _below(self, folder, endings):
        for name in os.listdir(folder):
            full = os.path.join(folder, name)
            if name.startswith(".") or name.endswith("~"):
                continue
            if os.path.isdir(full):
                yield from self._below(full, endings)
            elif os.path.splitext(name)[1] in endings:
                yield full
