"""A reader of compiled x86-64 code: an ELF file's sections, its basic blocks, and its loops.

`sections` cuts a file into sections, `disassembled_blocks` its code into basic blocks, and
`innermost_loops` finds the smallest loops around the blocks that matter. The tests of the kernels'
machine code count the instructions in these loops.
"""

import re
import struct
from typing import NamedTuple

ARITHMETIC = re.compile(
    r"v?(add|sub|mul|div|min|max|sqrt|fn?m(?:add|sub)(?:132|213|231)?)([ps][sd])"
)


class Operation(NamedTuple):
    """A floating-point instruction.

    Attributes
    ----------
    what : str
        "add", "sub", "mul", "div", "min", "max", "sqrt" or "fma".
    kind : str
        "pd", "ps", "sd" or "ss": packed or scalar, double or single.
    register : str
        "xmm", "ymm" or "zmm".
    """

    what: str
    kind: str
    register: str


def operation(mnemonic, operands):
    """Return the `Operation` of an instruction, or None for an instruction of another kind."""
    found = ARITHMETIC.fullmatch(mnemonic)
    if found is None:
        return None
    what = "fma" if found[1].startswith("f") else found[1]
    return Operation(what, found[2], re.search("[xyz]mm", operands)[0])


def sections(data):
    """Return the address and the bytes of each section of a 64-bit ELF file, by its name."""
    (table,) = struct.unpack_from("<Q", data, 40)
    size, count, names = struct.unpack_from("<HHH", data, 58)
    heads = [struct.unpack_from("<IIQQQQ", data, table + size * i) for i in range(count)]
    start = heads[names][4]
    return {
        data[start + name : data.index(b"\0", start + name)].decode(): (
            address, data[offset : offset + length],
        )
        for name, _, _, address, offset, length in heads
    }  # fmt: skip


class Block:
    """A basic block: instructions that run one after the other.

    Attributes
    ----------
    instructions : list of (mnemonic, operands)
    next : list of int
        The addresses of the blocks that may run after it.
    """

    def __init__(self):
        self.instructions, self.next = [], []

    @property
    def operations(self):
        """The floating-point instructions."""
        return [o for i in self.instructions if (o := operation(*i)) is not None]


def disassembled_blocks(text, address):
    """Return the basic blocks of machine code that begins at this address."""
    import capstone  # here, since a Python under the address sanitizer cannot load it

    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    disassembler.skipdata = True
    return basic_blocks(list(disassembler.disasm_lite(text, address)))


def basic_blocks(code):
    """Return the basic blocks by address of a list of (address, size, mnemonic, operands)."""
    known = {address for address, *_ in code}
    first = {code[0][0]}
    for address, size, mnemonic, operands in code:
        if mnemonic.startswith("j") and operands.startswith("0x"):
            first |= {int(operands, 16), address + size}
        elif mnemonic in ("jmp", "ret"):
            first.add(address + size)
    first &= known
    blocks, falls_through, block = {}, False, None
    for address, _, mnemonic, operands in code:
        if address in first:
            if falls_through:
                block.next.append(address)
            block = blocks[address] = Block()
        block.instructions.append((mnemonic, operands))
        if mnemonic.startswith("j") and operands.startswith("0x") and int(operands, 16) in first:
            block.next.append(int(operands, 16))
        falls_through = mnemonic not in ("jmp", "ret", "ud2", "hlt")
    return blocks


def cycles(blocks, among):
    """Return the strongly connected components of the graph of blocks that hold a cycle.

    Tarjan's algorithm, with a list of calls instead of a recursion.

    Parameters
    ----------
    blocks : dict of int to Block
    among : set of int
        The addresses that take part.

    Returns
    -------
    list of set of int

    References
    ----------
    R. Tarjan, Depth-first search and linear graph algorithms, SIAM Journal on Computing 1 (1972).
    """
    index, lowest, path, found = {}, {}, [], []
    for root in among:
        if root in index:
            continue
        calls = [(root, iter(blocks[root].next))]
        index[root] = lowest[root] = len(index)
        path.append(root)
        while calls:
            here, rest = calls[-1]
            for there in rest:
                if there not in among:
                    continue
                if there not in index:
                    index[there] = lowest[there] = len(index)
                    path.append(there)
                    calls.append((there, iter(blocks[there].next)))
                    break
                lowest[here] = min(lowest[here], index[there])
            else:
                calls.pop()
                if calls:
                    lowest[calls[-1][0]] = min(lowest[calls[-1][0]], lowest[here])
                if lowest[here] == index[here]:
                    cycle = set(path[path.index(here) :])
                    del path[path.index(here) :]
                    for address in cycle:  # no longer on the path
                        index[address] = lowest[address] = len(blocks) + 1
                    if len(cycle) > 1 or here in blocks[here].next:
                        found.append(cycle)
    return found


def innermost_loops(blocks, matters, among=None):
    """Return the smallest loops around the blocks that matter, as sets of addresses.

    Parameters
    ----------
    blocks : dict of int to Block
    matters : callable
        ``matters(block)`` is true for the blocks in question.
    among : set of int, default None
        The addresses to search. None stands for all.
    """
    found = []
    for loop in cycles(blocks, set(blocks) if among is None else among):
        mine = {address for address in loop if matters(blocks[address])}
        if not mine:
            continue
        outside = blocks.keys() - loop
        entries = {there for here in outside for there in blocks[here].next} & loop
        inner = innermost_loops(blocks, matters, loop - (entries or {min(loop)}))
        found += inner
        if mine - set().union(*inner):
            found.append(loop)
    return found
