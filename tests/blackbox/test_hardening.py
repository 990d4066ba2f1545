# SPDX-License-Identifier: MIT
"""What the compiler and the linker are to do against faults in the programs.

Of a build without sanitizers; on other machines than these, what they know.
"""
import os
import platform
import re
import subprocess

import pytest

import place

X86 = platform.machine() == "x86_64"
only_x86 = pytest.mark.skipif(not X86, reason="a feature of x86")

pytestmark = pytest.mark.skipif(
    place.IS_SANITIZED, reason="the sanitizers have their own ways")


def said(*command):
    return subprocess.run(command, env={**os.environ, "LC_ALL": "C"},
                          capture_output=True, text=True, check=True).stdout


@pytest.fixture(params=["fcgi", "cgi"])
def program(request):
    return (f"{os.environ['PXESRV_TESTS_BUILD']}/{request.param}/"
            f"pxesrv.{request.param}")


def calls(program, function):
    """The functions that one of ours calls, without leading underscores."""
    listing = said("objdump", "-d", "--no-show-raw-insn",
                   f"--disassemble={function}", program)
    return re.findall(r"\s(?:call|bl)\s.*<_*(\w+)", listing)


def needed(program):
    return re.findall(r"\(NEEDED\).*\[(.*)\]", said("readelf", "-dW", program))


def test_it_is_loaded_at_any_address(program):
    assert re.search(r"Type: +DYN ", said("readelf", "-hW", program))
    assert re.search(r"\(FLAGS_1\).* PIE", said("readelf", "-dW", program))


def test_its_tables_are_read_only_once_it_runs(program):
    assert "GNU_RELRO" in said("readelf", "-lW", program)
    assert re.search(r"\(FLAGS\).* BIND_NOW", said("readelf", "-dW", program))


def test_no_memory_is_writable_and_executable(program):
    headers = said("readelf", "-lW", program)
    assert re.search(r"GNU_STACK .* RW +0x", headers)
    assert not re.search(r"^ +(LOAD|GNU_STACK) .* RWE ", headers, re.MULTILINE)


def test_the_stack_has_guards(program):
    assert "stack_chk_fail" in calls(program, "respond")


def test_calls_check_the_size_of_what_they_write(program):
    assert "vsnprintf_chk" in calls(program, "request_note")


@only_x86
def test_a_large_frame_is_touched_page_by_page(program):
    """With PATH_MAX bytes on the stack, no guard page is stepped over."""
    assert re.search(r"\bor[bql]? +\$0x0,.*\(%rsp\)", said(
        "objdump", "-d", "--no-show-raw-insn", program))


@only_x86
def test_jumps_land_only_where_they_may(program):
    listing = said("objdump", "-d", "--no-show-raw-insn", program)
    assert re.search(r"<main>:\n.*\tendbr64", listing)
    # The linker says so of the whole when the C library's parts do, too.
    parts = [said("gcc", f"-print-file-name={part}").strip()
             for part in ("Scrt1.o", "crti.o", "crtbeginS.o", "crtendS.o")]
    if all("IBT" in said("readelf", "-nW", part) for part in parts):
        assert "IBT, SHSTK" in said("readelf", "-nW", program)


def test_libraries_are_found_only_where_the_system_has_them(program):
    assert not re.search("RPATH|RUNPATH", said("readelf", "-dW", program))


def test_the_cgi_program_needs_nothing_but_libc():
    """And not even that where the C library is there for linking statically."""
    libraries = needed(f"{os.environ['PXESRV_TESTS_BUILD']}/cgi/pxesrv.cgi")
    # On some machines the guard's value comes from the loader, a part of it.
    assert not [name for name in libraries
                if not re.match(r"libc\.so|ld-linux", name)]
    if os.path.exists(said("gcc", "-print-file-name=libc.a").strip()):
        assert not libraries
