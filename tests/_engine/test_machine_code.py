"""The machine code of every kernel that was built, also of those this processor can't run."""

import platform
import re
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import capstone
import pytest

from oneneuron._engine.dispatch import available

KERNELS = {
    (level, precision): Path(spec.origin)
    for level in ("plain", "v3", "v4")
    for precision in ("float64", "float32")
    if (spec := find_spec(f"oneneuron._engine.kernel_{level}_{precision}")) is not None
}

REGISTERS = {"plain": "xmm", "v3": "ymm", "v4": "zmm"}
VECTORS = {"float64": "pd", "float32": "ps"}

# Of two polynomials, and once each for the numerator and the denominator of 2^r.
FUSED_FOR_AN_EXPONENTIAL = {"float64": 2 * 2 + 2, "float32": 2 * 1 + 2}
# Of one polynomial, and once for the margin times ln 2.
FUSED_FOR_A_LOGARITHM = {"float64": 9 + 1, "float32": 4 + 1}

ARITHMETIC = re.compile(
    r"v?(add|sub|mul|div|min|max|sqrt|fn?m(?:add|sub)(?:132|213|231)?)([ps][sd])"
)
TO_THE_EXPONENT = re.compile(r"v?psll[dq]")
LIBM = re.compile(r"(exp|pow|log|fma|tanh|ldexp|scalb)\w*|_ZGV\w+|__svml\w+")

if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip("the disassembly is read for x86-64 alone", allow_module_level=True)
if not next(iter(KERNELS.values())).read_bytes().startswith(b"\x7fELF"):
    pytest.skip("the kernels are no ELF files", allow_module_level=True)


class Operation(NamedTuple):
    """One floating-point instruction: add ... sqrt or fma; pd, ps, sd or ss; xmm, ymm or zmm."""

    what: str
    kind: str
    register: str


def operation(mnemonic, operands):
    found = ARITHMETIC.fullmatch(mnemonic)
    if found is None:
        return None
    what = "fma" if found[1].startswith("f") else found[1]
    return Operation(what, found[2], re.search("[xyz]mm", operands)[0])


def sections(data):
    """Address and bytes of the sections of a 64-bit ELF file, by name."""
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
    """Instructions that run one after the other, and the addresses of what may run next."""

    def __init__(self):
        self.instructions, self.next = [], []

    @property
    def operations(self):
        return [o for i in self.instructions if (o := operation(*i)) is not None]


def basic_blocks(code):
    """Blocks by address, of [(address, size, mnemonic, operands), ...]."""
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
    """Largest sets of addresses that all can reach each other, `among` these alone (Tarjan)."""
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
                    for address in cycle:  # done with: no longer on the path
                        index[address] = lowest[address] = len(blocks) + 1
                    if len(cycle) > 1 or here in blocks[here].next:
                        found.append(cycle)
    return found


def innermost_loops(blocks, matters, among=None):
    """The smallest loops around the blocks that matter, as sets of addresses."""
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


def divides(block):
    return any(o.what == "div" for o in block.operations)


class Kernel(NamedTuple):
    level: str
    precision: str
    sections: dict
    operations: list
    tile_loops: list  # the blocks of each

    @property
    def full(self):
        """What a packed operation on registers of full width ends in."""
        return VECTORS[self.precision], REGISTERS[self.level]


def disassembled(level, precision):
    parts = sections(KERNELS[level, precision].read_bytes())
    address, text = parts[".text"]
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    disassembler.skipdata = True
    blocks = basic_blocks(list(disassembler.disasm_lite(text, address)))
    tile_loops = [
        [blocks[address] for address in loop] for loop in innermost_loops(blocks, divides)
    ]
    operations = [o for block in blocks.values() for o in block.operations]
    return Kernel(level, precision, parts, operations, tile_loops)


@pytest.fixture(scope="module", params=KERNELS, ids="-".join)
def kernel(request):
    return disassembled(*request.param)


def operations_of(loop):
    return [o for block in loop for o in block.operations]


def count(operations, **wanted):
    return sum(all(getattr(o, k) == v for k, v in wanted.items()) for o in operations)


def exponentials_and_logarithms(loop):
    """How many of each a loop has: a division goes with either, a shift with the former alone."""
    mnemonics = [i[0] for block in loop for i in block.instructions]
    exponentials = sum(TO_THE_EXPONENT.fullmatch(mnemonic) is not None for mnemonic in mnemonics)
    return exponentials, count(operations_of(loop), what="div") - exponentials


def test_there_is_a_kernel_of_each_precision_for_each_level():
    assert {(level, p) for level in available for p in VECTORS} <= set(KERNELS)
    assert len(KERNELS) == 2 * len({level for level, _ in KERNELS})


def test_the_reader_of_loops_finds_the_smallest_one_around_what_matters():
    blocks = {address: Block() for address in range(1, 8)}
    for here, there in [(1, 2), (2, 3), (3, 3), (3, 4), (4, 2), (4, 5), (5, 6), (6, 5), (6, 7)]:
        blocks[here].next.append(there)

    def around(*addresses):
        found = innermost_loops(blocks, lambda block: block in [blocks[a] for a in addresses])
        return sorted(map(sorted, found))

    assert around(3) == [[3]]
    assert around(4) == around(2) == [[2, 3, 4]]
    assert around(3, 4, 5) == [[2, 3, 4], [3], [5, 6]]
    assert around(1, 7) == []


def test_the_sigmoid_is_in_a_loop(kernel):
    # gcc makes one for two features, one for any number and one for wide data; others one for all.
    assert kernel.tile_loops


def test_every_division_is_packed_and_of_full_width(kernel):
    divisions = {(o.kind, o.register) for o in kernel.operations if o.what == "div"}
    assert divisions == {kernel.full}


def test_no_function_of_libm_is_called(kernel):
    _, names = kernel.sections[".dynstr"]
    called = names.decode().split("\0")
    assert "memcpy" in called
    assert [name for name in called if LIBM.fullmatch(name)] == []


def test_the_exponential_is_fused_and_of_full_width_where_the_level_has_it(kernel):
    kind, register = kernel.full
    for loop in kernel.tile_loops:
        operations = operations_of(loop)
        fused = count(operations, what="fma", kind=kind, register=register)
        needed = FUSED_FOR_AN_EXPONENTIAL[kernel.precision] * count(operations, what="div")
        assert fused >= needed if kernel.level != "plain" else fused == 0


def test_the_plain_exponential_multiplies_and_adds_packed():
    for precision, kind in VECTORS.items():
        for loop in disassembled("plain", precision).tile_loops:
            operations = operations_of(loop)
            needed = FUSED_FOR_AN_EXPONENTIAL[precision] * count(operations, what="div")
            assert count(operations, what="mul", kind=kind) >= needed
            assert count(operations, what="add", kind=kind) >= needed


def test_an_exponential_has_one_division_and_the_log_cost_of_it_at_most_one_more(kernel):
    for loop in kernel.tile_loops:
        exponentials, logarithms = exponentials_and_logarithms(loop)
        assert 0 <= logarithms <= exponentials


def test_the_log_cost_is_in_a_loop_and_the_quadratic_cost_has_no_logarithm(kernel):
    found = [exponentials_and_logarithms(loop) for loop in kernel.tile_loops]
    assert 0 < sum(logarithms for _, logarithms in found) < sum(number for number, _ in found)


def test_the_logarithm_is_fused_and_of_full_width_where_the_level_has_it(kernel):
    kind, register = kernel.full
    for loop in kernel.tile_loops:
        exponentials, logarithms = exponentials_and_logarithms(loop)
        needed = FUSED_FOR_AN_EXPONENTIAL[kernel.precision] * exponentials
        needed += FUSED_FOR_A_LOGARITHM[kernel.precision] * logarithms
        fused = count(operations_of(loop), what="fma", kind=kind, register=register)
        assert fused >= needed if kernel.level != "plain" else fused == 0


def test_the_plain_logarithm_multiplies_and_adds_packed():
    for precision, kind in VECTORS.items():
        for loop in disassembled("plain", precision).tile_loops:
            exponentials, logarithms = exponentials_and_logarithms(loop)
            needed = FUSED_FOR_AN_EXPONENTIAL[precision] * exponentials
            needed += FUSED_FOR_A_LOGARITHM[precision] * logarithms
            for what in ("mul", "add"):
                assert count(operations_of(loop), what=what, kind=kind) >= needed


def test_what_picks_the_lesser_and_the_greater_is_packed_and_of_full_width(kernel):
    # Of the margin's clamp, of the log cost's q and of its linear part: nothing branches on them.
    picks = {(o.kind, o.register) for o in kernel.operations if o.what in ("min", "max")}
    assert picks == {kernel.full}
    for loop in kernel.tile_loops:
        exponentials, logarithms = exponentials_and_logarithms(loop)
        assert count(operations_of(loop), what="min") >= exponentials + 2 * logarithms
        assert count(operations_of(loop), what="max") >= exponentials


def test_no_fused_operation_is_scalar(kernel):
    assert {o.kind for o in kernel.operations if o.what == "fma"} <= {kernel.full[0]}


def test_the_plain_kernel_has_only_what_every_x86_64_processor_has():
    for precision in VECTORS:
        plain = disassembled("plain", precision)
        assert {o.register for o in plain.operations} == {"xmm"}
        assert count(plain.operations, what="fma") == 0


def test_nothing_is_called_in_the_loop_over_tiles(kernel):
    for loop in kernel.tile_loops:
        assert [i for block in loop for i in block.instructions if i[0] == "call"] == []


def test_scalar_arithmetic_in_the_loop_over_tiles_is_only_the_sign_and_the_fold_of_wide_data(
    kernel,
):
    for loop in kernel.tile_loops:
        # A tile's sign times the bias and times the margin of a tie; the partial sums of a row of
        # wide data are added as a tree.
        assert {o.what for o in operations_of(loop) if o.kind in ("sd", "ss")} <= {"mul", "add"}


def test_packed_arithmetic_in_the_loop_over_tiles_is_of_full_width_but_in_that_fold(kernel):
    for loop in kernel.tile_loops:
        packed = [o for o in operations_of(loop) if o.kind in ("pd", "ps")]
        assert {o.what for o in packed if (o.kind, o.register) != kernel.full} <= {"add"}


def test_a_block_around_a_division_has_no_scalar_arithmetic_but_the_sign(kernel):
    for loop in kernel.tile_loops:
        for block in loop:
            operations = block.operations
            if count(operations, what="div"):
                scalar = [o.what for o in operations if o.kind in ("sd", "ss")]
                assert scalar in ([], ["mul"], ["mul", "mul"])
