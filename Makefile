# The front door. Each target installs, fetches and builds what it needs by itself.
# Works with GNU make 3.81; the build proper is CMake + Ninja (CMakeLists.txt).
B ?= build
H  = $(B)/release/hearth
export B

.PHONY: run demo build check unit lint fmt asan tsan torture fuzz bench docs top \
	install clean help
.DEFAULT_GOAL := help

run: build            ## build and run: the server and a demonstration task, until Ctrl-C
	@exec $(H) run
demo: build           ## one task from start to verified result; the exit code tells
	@exec $(H) demo
build:                ## build the programs into build/release
	@tools/build release
check:                ## all tests; the last line is "N passed, N failed"
	@tools/check
unit:                 ## one unit test program: make unit T=sse_test ONLY=limit
	@tools/build test $(or $(T),$(error make unit T=name_test)) && $(B)/test/tests/$(T) $(ONLY)
lint:                 ## layout, static analysis, rules of the house
	@tools/lint
fmt:                  ## lay out the code with clang-format 14
	@tools/check-format --fix
asan:                 ## unit tests under AddressSanitizer and UBSan
	@tools/check asan
tsan:                 ## unit tests under ThreadSanitizer
	@tools/check tsan
torture:              ## unit tests with the long campaigns (every failure in turn)
	@HEARTH_TORTURE=1 tools/check asan
fuzz:                 ## fuzz: make fuzz F=sse T=60; without F all in turn
	@T=$(T) tools/fuzz $(F)
bench: build          ## measure on this machine; P=engine for one part; see bench/
	@tools/bench $(P)
top:                  ## the ten longest files and functions
	@tools/top
docs: build           ## write docs/reference from the program's own tables
	@tools/docs docs/reference
install: build        ## install below PREFIX (/usr/local); DESTDIR is honoured
	@cmake --install $(B)/release $(if $(PREFIX),--prefix $(PREFIX))
clean:                ## remove build/; the dependency cache stays
	@rm -rf $(B)
help:                 ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile
