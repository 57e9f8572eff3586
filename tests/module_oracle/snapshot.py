# Prints what lies below a folder: for each path its kind, mode, owner, links, target, attributes,
# and the text or digest of files.
import grp, hashlib, json, os, pwd, stat, sys

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link",
         stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "character device",
         stat.S_IFBLK: "block device"}


def name(table, field, number):
    try:
        return getattr(table(number), field)
    except KeyError:
        return str(number)


def content(path, size):
    with open(path, "rb") as file:
        all_of_it = file.read()
    try:
        text = all_of_it.decode()
    except UnicodeDecodeError:
        text = None
    if text is None or size > 4000:
        return "sha256:" + hashlib.sha256(all_of_it).hexdigest()
    return text


def look(path):
    found = os.lstat(path)
    kind = KINDS[stat.S_IFMT(found.st_mode)]
    seen = {"kind": kind, "mode": "%04o" % stat.S_IMODE(found.st_mode),
            "owner": name(pwd.getpwuid, "pw_name", found.st_uid),
            "group": name(grp.getgrgid, "gr_name", found.st_gid)}
    seen["mtime"] = found.st_mtime
    if kind == "link":
        seen["target"] = os.readlink(path)
    if kind == "file":
        seen["links"] = found.st_nlink
        seen["content"] = content(path, found.st_size)
    for attribute in os.listxattr(path, follow_symlinks=False):
        value = os.getxattr(path, attribute, follow_symlinks=False)
        seen["xattr " + attribute] = value.hex()
    return seen


root = sys.argv[1]
tree = {}
for folder, folders, files in os.walk(root):
    for entry in ["."] + folders + files:
        path = os.path.normpath(os.path.join(folder, entry))
        tree[os.path.relpath(path, root)] = look(path)
print(json.dumps(tree))
