# What Lookout's recipes share: the project's tree as the place of their files, its version and licence, and the facts of board/.
#
# Each fact is a variable of its own name (COMPATIBLE, DISK_SIGNATURE, ...). LOOKOUT_TEMPLATES are files or folders of S whose
# @NAMES@ are filled in with them, as tools/image does.

# Where the tree lies makes no difference to what is built.
LOOKOUT_TOP[vardepvalue] = "lookout"

SECTION ?= "multimedia"
LICENSE = "MIT | Apache-2.0"
# nooelint: oelint.var.licenseremotefile - most recipes fetch a part of the tree alone
LIC_FILES_CHKSUM = "file://${LOOKOUT_TOP}/LICENSE;md5=e20f5f27b618a2d40f44fc40123ebf36"
CVE_PRODUCT ?= "lookout"

# nooelint: oelint.vars.bbvars.FILESPATH - no recipe of this layer has files of its own
FILESPATH =. "${LOOKOUT_TOP}:${LOOKOUT_TOP}/board/image:${LOOKOUT_TOP}/board/unit:"

# The board whose memory the unit begins with; at boot lookout-board puts that of the board it finds in its place.
LOOKOUT_BOARD ?= "virt"
LOOKOUT_TEMPLATES ?= ""

def lookout_read(d, path):
    """The text of a file of the project; the recipe is parsed again when it changes."""
    path = os.path.join(d.getVar('LOOKOUT_TOP'), path)
    bb.parse.mark_dependency(d, path)
    with open(path) as file:
        return file.read()

def lookout_words(d, path):
    """The words of a list with comments, such as board/image/modules."""
    import re
    return re.sub('#.*', '', lookout_read(d, path)).split()

def lookout_tree(d, links):
    """The files, or the links, of the system's folder board/image/rootfs; the recipe is parsed again when some come or go."""
    top = os.path.join(d.getVar('LOOKOUT_TOP'), 'board/image/rootfs')
    found = []
    for at, _, files in os.walk(top):
        bb.parse.mark_dependency(d, at)
        found += [os.path.join(at, file) for file in files if os.path.islink(os.path.join(at, file)) == links]
    return top, sorted(found)

def lookout_files(d):
    """The files one by one, for SRC_URI: a folder may not hold links that lead nowhere until the system runs."""
    top, files = lookout_tree(d, links=False)
    return ' '.join('file://rootfs/%s;subdir=${BP}' % os.path.relpath(file, top) for file in files)

def lookout_boards(d):
    """The facts of all boards, for SRC_URI."""
    import glob
    top = d.getVar('LOOKOUT_TOP')
    files = glob.glob(os.path.join(top, 'board/**/facts'), recursive=True)
    return ' '.join('file://%s;subdir=${BP}' % os.path.relpath(file, top) for file in sorted(files))

def lookout_links(d):
    """The links, as TARGET=PATH."""
    top, links = lookout_tree(d, links=True)
    return ' '.join('%s=/%s' % (os.readlink(link), os.path.relpath(link, top)) for link in links)

# nooelint: oelint.task.noanonpython - a variable for each fact, whatever their names
python () {
    import re

    facts = {}
    for path in ('board/facts', 'board/%s/facts' % d.getVar('LOOKOUT_BOARD')):
        facts.update(re.findall(r'^([A-Z_]+)="(.*)"$', lookout_read(d, path), re.M))
    facts['MEMORY_MAX_MIB'] = str(int(facts['MEMORY_BUDGET_MIB']) + int(facts['MEMORY_BESIDE_MIB']))
    facts['VERSION'] = re.search(r'^\[package\].*?^version = "(.*?)"', lookout_read(d, 'Cargo.toml'), re.M | re.S).group(1)
    for name, value in facts.items():
        d.setVar(name, value)
    d.setVar('LOOKOUT_FACTS', ' '.join(sorted(facts)))
}

PV = "${VERSION}"

python lookout_fill () {
    import re

    def fact(match):
        if match[1] not in facts:
            bb.fatal('%s: nothing in board/ says what %s is' % (path, match[1]))
        return d.getVar(match[1])

    facts = d.getVar('LOOKOUT_FACTS').split()
    paths = []
    for name in d.getVar('LOOKOUT_TEMPLATES').split():
        top = os.path.join(d.getVar('S'), name)
        paths += [top] if os.path.isfile(top) else [os.path.join(at, file) for at, _, files in os.walk(top) for file in files]
    for path in paths:
        with open(path) as file:
            text = file.read()
        with open(path, 'w') as file:
            file.write(re.sub('@([A-Z_]+)@', fact, text))
}
lookout_fill[doc] = "Fills in the @NAMES@ of LOOKOUT_TEMPLATES"
lookout_fill[vardeps] += "${LOOKOUT_FACTS}"
do_patch[postfuncs] += "${@'lookout_fill' if d.getVar('LOOKOUT_TEMPLATES') else ''}"
