"""The reader of machine code itself, on code written by hand."""

import struct

import pytest
from machine_code_reader import Block, disassembled_blocks, innermost_loops, operation, sections

pytestmark = pytest.mark.machine_code


def test_a_fused_multiply_add_and_its_registers_are_recognised():
    assert operation("vfnmadd231pd", "zmm0, zmm1, zmm2") == ("fma", "pd", "zmm")
    assert operation("mulss", "xmm0, dword ptr [rax]") == ("mul", "ss", "xmm")
    assert operation("vpaddd", "ymm0, ymm1, ymm2") is None


def test_code_is_cut_into_blocks_at_jumps_and_at_their_targets():
    # 0x1000: inc eax; 0x1002: dec ecx; 0x1004: jne 0x1002; 0x1006: ret
    blocks = disassembled_blocks(bytes.fromhex("ffc0 ffc9 75fc c3"), 0x1000)
    assert [len(block.instructions) for block in blocks.values()] == [1, 2, 1]
    found = {address: sorted(block.next) for address, block in blocks.items()}
    assert found == {0x1000: [0x1002], 0x1002: [0x1002, 0x1006], 0x1006: []}
    assert innermost_loops(blocks, lambda block: True) == [{0x1002}]


def test_sections_of_an_elf_file_are_found_by_name():
    names = b"\0.text\0.names\0"
    code = b"\xc3"
    # Two headers of 64 bytes follow the file's own; then come the names and the code.
    table, names_at, code_at = 64, 192, 192 + len(names)
    header = b"\x7fELF".ljust(40, b"\0") + struct.pack("<Q", table)
    header = header.ljust(58, b"\0") + struct.pack("<HHH", 64, 2, 1)
    heads = struct.pack("<IIQQQQ", 1, 0, 0, 0x1000, code_at, len(code)).ljust(64, b"\0")
    heads += struct.pack("<IIQQQQ", 7, 0, 0, 0, names_at, len(names)).ljust(64, b"\0")
    found = sections(header + heads + names + code)
    assert found == {".text": (0x1000, code), ".names": (0, names)}


def test_the_smallest_loop_around_a_block_is_found():
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
