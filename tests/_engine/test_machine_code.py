"""The machine code of every kernel that was built, even those this processor cannot run."""

import platform
import re
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from machine_code_reader import disassembled_blocks, innermost_loops, sections

from oneneuron._engine.dispatch import available

KERNELS = {
    (level, precision): Path(spec.origin)
    for level in ("plain", "v3", "v4")
    for precision in ("float64", "float32")
    if (spec := find_spec(f"oneneuron._engine.kernel_{level}_{precision}")) is not None
}

REGISTERS = {"plain": "xmm", "v3": "ymm", "v4": "zmm"}
VECTORS = {"float64": "pd", "float32": "ps"}

# Fused multiply-adds of 2^r: in two polynomials, and one each for the numerator and denominator.
FUSED_FOR_AN_EXPONENTIAL = {"float64": 2 * 2 + 2, "float32": 2 * 1 + 2}
# Fused multiply-adds of a logarithm: in one polynomial, one for 1 - w, and two products with ln 2.
FUSED_FOR_A_LOGARITHM = {"float64": 7 + 3, "float32": 3 + 3}

TO_THE_EXPONENT = re.compile(r"v?psll[dq]")
PACKED = ("pd", "ps")
LIBM = re.compile(r"(exp|pow|log|fma|tanh|ldexp|scalb)\w*|_ZGV\w+|__svml\w+")

if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip("only x86-64 code can be read here", allow_module_level=True)
if not next(iter(KERNELS.values())).read_bytes().startswith(b"\x7fELF"):
    pytest.skip("the kernels are not ELF files", allow_module_level=True)

pytestmark = pytest.mark.machine_code


def computes_sigmoids(block):
    """Whether a block computes p: from a clamped t, by packed divisions."""
    return {"max", "div"} <= {o.what for o in block.operations if o.kind in PACKED}


class Kernel(NamedTuple):
    """A disassembled kernel; `tile_loops` holds the blocks of each loop that computes sigmoids."""

    level: str
    precision: str
    sections: dict
    operations: list
    tile_loops: list

    @property
    def full(self):
        """The kind and the register of a packed operation of full width."""
        return VECTORS[self.precision], REGISTERS[self.level]


def disassembled(level, precision):
    parts = sections(KERNELS[level, precision].read_bytes())
    address, text = parts[".text"]
    blocks = disassembled_blocks(text, address)
    tile_loops = [
        [blocks[address] for address in loop] for loop in innermost_loops(blocks, computes_sigmoids)
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
    """Count both in a loop. Each of the two divides, and only an exponential takes a maximum."""
    exponentials = count(operations_of(loop), what="max")
    return exponentials, count(operations_of(loop), what="div") - exponentials


def test_there_is_a_kernel_of_each_precision_for_each_level():
    assert {(level, p) for level in available for p in VECTORS} <= set(KERNELS)
    assert len(KERNELS) == 2 * len({level for level, _ in KERNELS})


def test_passes_and_predictions_have_loops_that_compute_sigmoids(kernel):
    # gcc compiles a pass for 2 features, for any number and for wide data, others only one of them.
    assert len(kernel.tile_loops) >= 2


def test_every_division_in_the_loops_over_tiles_is_packed_and_of_full_width(kernel):
    for loop in kernel.tile_loops:
        divisions = {(o.kind, o.register) for o in operations_of(loop) if o.what == "div"}
        assert divisions == {kernel.full}


def test_no_function_of_libm_is_called(kernel):
    _, names = kernel.sections[".dynstr"]
    called = names.decode().split("\0")
    assert "memcpy" in called
    assert [name for name in called if LIBM.fullmatch(name)] == []


def test_the_exponential_uses_fused_multiply_adds_of_full_width_if_the_level_has_them(kernel):
    kind, register = kernel.full
    for loop in kernel.tile_loops:
        operations = operations_of(loop)
        fused = count(operations, what="fma", kind=kind, register=register)
        needed = FUSED_FOR_AN_EXPONENTIAL[kernel.precision] * count(operations, what="div")
        assert fused >= needed if kernel.level != "plain" else fused == 0


def test_the_plain_exponential_uses_packed_multiplications_and_additions():
    for precision, kind in VECTORS.items():
        for loop in disassembled("plain", precision).tile_loops:
            operations = operations_of(loop)
            needed = FUSED_FOR_AN_EXPONENTIAL[precision] * count(operations, what="div")
            assert count(operations, what="mul", kind=kind) >= needed
            assert count(operations, what="add", kind=kind) >= needed


def test_an_exponential_takes_one_division_and_a_log_cost_at_most_one_more(kernel):
    for loop in kernel.tile_loops:
        exponentials, logarithms = exponentials_and_logarithms(loop)
        assert 0 <= logarithms <= exponentials


def test_each_exponential_and_each_logarithm_puts_a_power_of_two_into_an_exponent(kernel):
    for loop in kernel.tile_loops:
        mnemonics = [mnemonic for block in loop for mnemonic, _ in block.instructions]
        shifts = sum(TO_THE_EXPONENT.fullmatch(mnemonic) is not None for mnemonic in mnemonics)
        assert shifts == sum(exponentials_and_logarithms(loop))


def test_some_loops_compute_a_logarithm_and_those_of_the_quadratic_cost_do_not(kernel):
    found = [exponentials_and_logarithms(loop) for loop in kernel.tile_loops]
    assert 0 < sum(logarithms for _, logarithms in found) < sum(number for number, _ in found)


def test_the_logarithm_uses_fused_multiply_adds_of_full_width_if_the_level_has_them(kernel):
    kind, register = kernel.full
    for loop in kernel.tile_loops:
        exponentials, logarithms = exponentials_and_logarithms(loop)
        needed = FUSED_FOR_AN_EXPONENTIAL[kernel.precision] * exponentials
        needed += FUSED_FOR_A_LOGARITHM[kernel.precision] * logarithms
        fused = count(operations_of(loop), what="fma", kind=kind, register=register)
        assert fused >= needed if kernel.level != "plain" else fused == 0


def test_the_plain_logarithm_uses_packed_multiplications_and_additions():
    for precision, kind in VECTORS.items():
        for loop in disassembled("plain", precision).tile_loops:
            exponentials, logarithms = exponentials_and_logarithms(loop)
            needed = FUSED_FOR_AN_EXPONENTIAL[precision] * exponentials
            needed += FUSED_FOR_A_LOGARITHM[precision] * logarithms
            for what in ("mul", "add"):
                assert count(operations_of(loop), what=what, kind=kind) >= needed


def test_every_minimum_and_maximum_in_the_loops_over_tiles_is_packed_and_of_full_width(kernel):
    # They clamp the margin and give the log cost's q and its linear part, without a branch. Several
    # of these may share a logarithm.
    for loop in kernel.tile_loops:
        picks = {(o.kind, o.register) for o in operations_of(loop) if o.what in ("min", "max")}
        assert picks == {kernel.full}
        exponentials, logarithms = exponentials_and_logarithms(loop)
        assert count(operations_of(loop), what="min") >= exponentials + 2 * logarithms


def test_every_fused_operation_is_packed_and_of_full_width(kernel):
    # That includes the products of margins and gradients, which are in loops of their own.
    fused = {(o.kind, o.register) for o in kernel.operations if o.what == "fma"}
    assert fused == (set() if kernel.level == "plain" else {kernel.full})


def test_the_plain_kernel_has_only_what_every_x86_64_processor_has():
    for precision in VECTORS:
        plain = disassembled("plain", precision)
        assert {o.register for o in plain.operations} == {"xmm"}
        assert count(plain.operations, what="fma") == 0


def test_the_loops_over_tiles_call_no_function(kernel):
    for loop in kernel.tile_loops:
        assert [i for block in loop for i in block.instructions if i[0] == "call"] == []


def test_scalar_arithmetic_in_the_loops_over_tiles_only_adds_up_the_rows_of_wide_data(kernel):
    for loop in kernel.tile_loops:
        # A row's partial sums are added as a tree, in double. The sum takes the sign of the run.
        scalar = {(o.what, o.kind) for o in operations_of(loop) if o.kind in ("sd", "ss")}
        assert scalar <= {("mul", "sd"), ("add", "sd")}


def test_packed_arithmetic_in_the_loops_over_tiles_is_of_full_width_but_for_additions(kernel):
    for loop in kernel.tile_loops:
        # The partial sums of a row of wide data are added as a tree, which ends in one lane.
        packed = [o for o in operations_of(loop) if o.kind in ("pd", "ps")]
        assert {o.what for o in packed if (o.kind, o.register) != kernel.full} <= {"add"}


def test_a_block_that_computes_sigmoids_has_no_scalar_arithmetic(kernel):
    for loop in kernel.tile_loops:
        for block in filter(computes_sigmoids, loop):
            assert {o.kind for o in block.operations} == {kernel.full[0]}
