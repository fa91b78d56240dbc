# SPDX-License-Identifier: BSD-2-Clause
#
# The rules of the build, included by the makefile that configure writes.  All
# output goes to $(B).  Sources are searched at each run: a new file does not
# need another configure, and a new module only a row in auto/modules (a change
# of which runs configure).
#
# `make help` prints the lines that begin with "#:".

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all install run test check soak asan ubsan asan-arenas fuzz fuzz-build fuzz-run \
    bench differ format tags check-directives style tests-built clean help FORCE

#: all                   the program, build/weir (the default)
all: $(B)/weir

find = $(sort $(shell find $(wildcard $(1)) -name '*.c' 2>/dev/null))

CORE    := $(filter-out core/proc/main.c,$(if $(wildcard core),$(call find,core)))
HTTP    := $(if $(wildcard http),$(call find,http))
STREAM  := $(if $(wildcard stream),$(call find,stream))
MAIN    := $(wildcard core/proc/main.c)
PROGRAM := $(CORE) $(HTTP) $(STREAM) $(MODULES) $(MAIN)

MADE    := $(B)/obj/modules.o $(B)/obj/known.o

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

# A test that is named like a module's file goes with it.
ABSENT  := $(notdir $(filter-out $(MODULES),$(wildcard modules/*/*.c)))
UNITS   := $(patsubst t/unit/%.c,$(B)/t/unit/%, \
    $(filter-out $(addprefix t/unit/,$(ABSENT)),$(wildcard t/unit/*.c)))
TARGETS := $(patsubst t/fuzz/%.c,%,$(filter-out t/fuzz/replay.c \
    $(addprefix t/fuzz/,$(ABSENT)),$(wildcard t/fuzz/*.c)))
REPLAYS := $(patsubst %,$(B)/t/fuzz/%,$(TARGETS))
ARCHIVE := $(B)/libmodules.a $(B)/libhttp.a $(B)/libcore.a

# Objects depend on the flags, programs on the list of their objects: a changed
# option recompiles, a removed source relinks.
$(B)/flags: FORCE
	@printf '%s\n' '$(subst ','\'',$(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(LIBS))' >$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi

$(B)/%.list: FORCE
	@printf '%s\n' $(LIST) >$@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi

$(B)/weir.list: LIST = $(PROGRAM)
$(B)/core.list: LIST = $(CORE)
$(B)/http.list: LIST = $(HTTP)
$(B)/modules.list: LIST = $(MODULES)

# Kept relative, so that debuggers find the sources from the tree's root
$(B)/obj/%.o: %.c $(B)/flags $(B)/config.h
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<" &&) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/modules.o $(B)/obj/known.o: $(B)/obj/%.o: $(B)/%.c $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo "  CC    $<" &&) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Configure writes its other files together with the makefile.
$(B)/config.h $(B)/modules.c $(B)/known.c: ;

$(B)/weir: $(call objects,$(PROGRAM)) $(MADE) $(B)/weir.list
	$(if $(V),,@echo "  LINK  $@" &&) $(CC) $(CFLAGS) $(LTO_PROGRAM) $(LDFLAGS) -o $@ \
	    $(filter %.o,$^) $(LIBS)

$(B)/libcore.a: $(call objects,$(CORE)) $(B)/obj/known.o $(B)/core.list
	$(if $(V),,@echo "  AR    $@" &&) rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/libmodules.a: $(call objects,$(MODULES)) $(B)/modules.list
	$(if $(V),,@echo "  AR    $@" &&) rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(B)/libhttp.a: $(call objects,$(HTTP)) $(B)/http.list
	$(if $(V),,@echo "  AR    $@" &&) rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

-include $(patsubst %.o,%.d,$(call objects,$(PROGRAM)) $(MADE))
-include $(wildcard $(B)/t/unit/*.d $(B)/t/fuzz/*.d)

# Tests

$(B)/t/unit/%: t/unit/%.c $(ARCHIVE) $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo "  TEST  $@" &&) $(CC) $(CPPFLAGS) $(CFLAGS) $(LTO_TEST) -MMD -MP -MT $@ $(LDFLAGS) \
	    -o $@ $< -Wl,--start-group $(ARCHIVE) -Wl,--end-group $(LIBS)

# A fuzz target with a main() that runs the corpus once; with SANITIZER=fuzzer
# the same file becomes the fuzzer.
ifeq ($(SANITIZER),fuzzer)
REPLAY_SOURCE :=
FUZZ_LINK     := -fsanitize=fuzzer
else
REPLAY_SOURCE := t/fuzz/replay.c
FUZZ_LINK     :=
endif

$(B)/t/fuzz/%: t/fuzz/%.c $(REPLAY_SOURCE) $(ARCHIVE) $(B)/flags
	@mkdir -p $(@D)
	$(if $(V),,@echo "  FUZZ  $@" &&) $(CC) $(CPPFLAGS) $(CFLAGS) $(LTO_TEST) \
	    -DFUZZ_NAME='"$*"' $(LDFLAGS) $(FUZZ_LINK) \
	    -o $@ $< $(REPLAY_SOURCE) -Wl,--start-group $(ARCHIVE) -Wl,--end-group $(LIBS)

tests-built: $(B)/weir $(UNITS) $(REPLAYS)

# Tests wait for most of their time.
JOBS   ?= $(shell echo $$((2 * $$(nproc))))
SCRIPTS = auto/check/tree.t $(sort $(wildcard t/*.t t/truth/*.t))
SMOKE   = $(shell grep -l "^\# smoke" $(wildcard t/*.t) /dev/null 2>/dev/null)
PROVE   = TEST_BINARY=$${TEST_BINARY:-$(CURDIR)/$(B)/weir} BUILD=$(B) prove -j$(JOBS) -It/lib

#: test                  all tests, or TESTS="t/static.t build/t/unit/str"
#:                       TEST_LEAVE=1 keeps the files of a *.t and says where,
#:                       TEST_VERBOSE=1 prints error logs (t/lib/Weir/Test.pm)
ifdef TESTS
test: $(B)/weir $(filter $(B)/t/%,$(TESTS))
	@$(PROVE) $(TESTS)
else
test: tests-built
	@$(PROVE) $(UNITS) $(REPLAYS) $(SCRIPTS)
endif

#: check                 the quick tests: style, units, fuzz inputs, and the
#:                       *.t that have a line "# smoke"
check: tests-built
	@$(PROVE) auto/check/tree.t $(UNITS) $(REPLAYS) $(SMOKE)

#: soak                  the tests that can take longer, as long as they should
soak: $(B)/weir
	@TEST_SOAK=1 TEST_BINARY=$${TEST_BINARY:-$(CURDIR)/$(B)/weir} prove -It/lib \
	    $(shell grep -l TEST_SOAK $(sort $(wildcard t/*.t)))

#: style                 format, layers, sizes, modules
style:
	@sh auto/check/style
	@sh auto/check/layers
	@sh auto/check/size
	@sh auto/check/modules

#: check-directives      how many of nginx's directives are implemented
check-directives: $(B)/weir
	@sh auto/check/directives $(B)/weir

#: asan, ubsan           all tests under a sanitizer, built in build/asan ...
asan:
	+@sh auto/sanitize address $(B)
ubsan:
	+@sh auto/sanitize undefined $(B)

#: asan-arenas           the tests of processes and reloads with arenas as they
#:                       are otherwise, whose free room AddressSanitizer guards
asan-arenas:
	+@sh auto/sanitize arenas $(B) TESTS="$(wildcard t/process_*.t t/reload*.t t/control.t)"

#: fuzz                  every fuzzer for FUZZ_SECONDS=30, or only FUZZ=name
FUZZ         ?= $(TARGETS)
FUZZ_SECONDS ?= 30
fuzz:
	+@sh auto/sanitize fuzzer $(B) FUZZ='$(FUZZ)' FUZZ_SECONDS=$(FUZZ_SECONDS)
fuzz-run: $(patsubst %,$(B)/t/fuzz/%,$(FUZZ))
	@sh auto/fuzz $(B) $(FUZZ_SECONDS) $(FUZZ)

#: bench                 measures against other servers (t/bench/README.md)
bench: $(B)/weir
	@if test -f t/bench/run; then \
	    TEST_BINARY=$(CURDIR)/$(B)/weir t/bench/run; \
	else echo "t/bench/run is not there"; fi

#: differ                random comparison with nginx (t/differ/README.md)
CONFIGS ?= 100
POOL ?= all
PEERS ?= 400
SEED ?= 1
ORACLE ?= /usr/sbin/nginx
PARALLEL ?= 4
SECONDS_EACH ?= 600
differ: $(B)/weir
	@if test -f t/differ/run; then \
	    TEST_BINARY=$(CURDIR)/$(B)/weir t/differ/run --configs $(CONFIGS) \
	        --pool $(POOL) --peers $(PEERS) --seed $(SEED) --oracle $(ORACLE) \
	        --parallel $(PARALLEL) --seconds $(SECONDS_EACH); \
	else echo "t/differ/run is not there"; fi

# Use

#: run                   the demonstration, on PORT=8080
run: $(B)/weir
	@sh auto/demo $(B)

#: install               DESTDIR=dir is put before every path
install: $(B)/weir
	@BUILD=$(B) DESTDIR='$(DESTDIR)' sh auto/install

# Maintenance

#: format                clang-format over all *.c
# Headers are left out: their columns are aligned by hand (auto/check/style).
STYLED = $(shell find $(wildcard core http stream modules t) -name node_modules -prune -o -name '*.c' -print)

format:
	clang-format -i $(STYLED)

#: tags                  tags and compile_commands.json
tags:
	ctags -R -f tags --exclude=node_modules $(wildcard core http stream modules t)
	@sh auto/compile-commands '$(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS))' \
	    $(PROGRAM) >compile_commands.json

#: clean                 removes what was built
#:
#: V=1 shows the commands, BUILD=dir takes another build directory.
clean:
	rm -rf $(B)/obj $(B)/t $(B)/weir $(B)/*.a $(B)/*.list $(B)/flags \
	    $(B)/demo $(B)/asan $(B)/ubsan $(B)/fuzz

help:
	@sed -n 's/^#: \{0,1\}//p' auto/rules.mk
