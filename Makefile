# Touchline. `make help` lists what can be made; `make run` needs nothing but this file and make.

PYTHON ?= /usr/bin/python3
CC ?= gcc
prefix ?= /usr
sysconfdir ?= /etc
unitdir ?= $(prefix)/lib/systemd/system
channeldir = $(prefix)/lib/touchline/channels
docdir ?= $(prefix)/share/doc/touchline

comma := ,
# SAN=address,undefined or SAN=thread goes with any target and builds beside the plain one.
ifdef SAN
B := build/san-$(subst $(comma),-,$(SAN))
SANFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all
else
B := build
endif
CCACHE := $(shell command -v ccache 2>/dev/null)

PKGS := libevent libevent_openssl libevent_pthreads libcurl hiredis yaml-0.1 jansson libsystemd \
        openssl libsodium libzstd libutf8proc libidn2 sqlite3 libpcre2-8 libical
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread -ldl -lm
KIT_LIBS := $(shell pkg-config --libs jansson openssl 2>/dev/null) -lpthread -ldl -lm

OPT ?= -O2 -g
CFLAGS_ALL = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
    -Wmissing-prototypes -Wvla -fstack-protector-strong -fPIC $(OPT) $(SANFLAGS) -Iinclude -Idaemon \
    $(PKG_CFLAGS) $(CFLAGS) -MMD -MP
LDFLAGS_ALL = $(SANFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
KIT_SRC := $(wildcard daemon/kit/*.c)
CLI_SRC := $(wildcard daemon/cli/*.c)
DAEMON_SRC := $(filter-out $(KIT_SRC) $(CLI_SRC),$(wildcard daemon/*/*.c))
CHANNELS := $(patsubst channels/%/plugin.c,%,$(wildcard channels/*/plugin.c))
FUNCTIONS := $(sort $(wildcard daemon/store/functions/*.lua))

.PHONY: all run demo check bench lint format fuzz cover deps install clean help debug unit \
    deps-check units-built fuzz-built bench-built sim sim-built sim-faults compile_commands.json FORCE
.DELETE_ON_ERROR:

# Tells what is built in a word; V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' '$(1)' '$(patsubst $(CURDIR)/%,%,$@)')

# libphonenumber behind one function, where it is installed; without it our own rules read alone.
CXX ?= g++
PHONE := $(if $(wildcard /usr/include/phonenumbers/phonenumberutil.h),$(B)/touchline-phone.so)
all: $(if $(wildcard daemon/main.c),$(B)/touchlined) $(if $(CLI_SRC),$(B)/touchline) $(CHANNELS:%=$(B)/channels/%.so) $(PHONE) ## builds the daemon, the tool and the channels

$(B)/touchline-phone.so: daemon/kit/phone_shim.cc
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CXX) -std=c++17 -O2 -g -Wall -Wextra -Werror -fPIC -fvisibility=hidden -shared $< -lphonenumber -o $@

# What everything hangs on beside its sources: the flags, and which files there are. A stamp changes only with its text, so
# other flags build anew, and an archive loses the object of a file that has gone.
stamp = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
$(B)/flags: FORCE
	$(call stamp,$(CC) $(CFLAGS_ALL))
$(B)/files: FORCE
	$(call stamp,$(KIT_SRC) $(DAEMON_SRC) $(CLI_SRC) $(wildcard channels/*/*.c) $(FUNCTIONS))
FORCE:

$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CCACHE) $(CC) $(CFLAGS_ALL) -c $< -o $@

$(B)/libtouchkit.a: $(call obj,$(KIT_SRC)) $(B)/files
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

$(B)/libtouchlined.a: $(call obj,$(DAEMON_SRC)) $(B)/obj/functions.o $(B)/files
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)

# The Redis function library is one text: its files in order, carried inside the daemon.
$(B)/functions.lua: $(FUNCTIONS) $(B)/files
	@mkdir -p $(@D)
	$(Q)cat $(FUNCTIONS) > $@

$(B)/obj/functions.o: $(B)/functions.lua
	@mkdir -p $(@D)
	$(Q)printf '.section .rodata\n.global store_functions_lua, store_functions_lua_end\nstore_functions_lua:\n.incbin "%s"\nstore_functions_lua_end:\n.byte 0\n.section .note.GNU-stack,"",%%progbits\n' $< > $(B)/functions.s
	$(Q)$(CC) -c $(B)/functions.s -o $@

$(B)/touchlined: $(B)/obj/daemon/main.o $(B)/libtouchlined.a $(B)/libtouchkit.a
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) -rdynamic $< -Wl,--whole-archive $(B)/libtouchlined.a -Wl,--no-whole-archive $(B)/libtouchkit.a $(PKG_LIBS) -o $@

# Beside the kit it takes in the pure rooms alone: configuration, roster, router, replay.
$(B)/touchline: $(call obj,$(CLI_SRC)) $(B)/libtouchlined.a $(B)/libtouchkit.a $(B)/files
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o %.a,$^) $(KIT_LIBS) $(shell pkg-config --libs libcurl libsodium yaml-0.1 libical 2>/dev/null) -o $@

# A channel sees the installed headers only, and takes the kit in with hidden symbols.
CHANNEL_LIBS_email := $(shell pkg-config --libs gmime-3.0 libevent 2>/dev/null) -lesmtp
CHANNEL_CFLAGS_email := $(shell pkg-config --cflags gmime-3.0 2>/dev/null)
CHANNEL_LIBS_sip := $(shell pkg-config --libs libevent expat zlib 2>/dev/null)
CHANNEL_LIBS_social := $(shell pkg-config --libs libsodium expat 2>/dev/null)
$(B)/obj/channels/%.o: channels/%.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CCACHE) $(CC) $(filter-out -Idaemon,$(CFLAGS_ALL)) -fvisibility=hidden $(CHANNEL_CFLAGS_$(firstword $(subst /, ,$*))) -c $< -o $@
define channel_rule
$(B)/channels/$(1).so: $$(call obj,$$(wildcard channels/$(1)/*.c)) $(B)/libtouchkit.a $(B)/files
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -shared $$(call obj,$$(wildcard channels/$(1)/*.c)) -Wl,--exclude-libs,ALL $(B)/libtouchkit.a $$(CHANNEL_LIBS_$(1)) $$(KIT_LIBS) -o $$@
endef
$(foreach c,$(CHANNELS),$(eval $(call channel_rule,$(c))))

# A unit test is tests/unit/ROOM/test_FILE.c, or tests/unit/channels/NAME/test_FILE.c; found without a list.
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_CHANNEL_SRC := $(wildcard tests/unit/channels/*/test_*.c)
UNITS := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%) $(UNIT_CHANNEL_SRC:tests/unit/%.c=$(B)/unit/%)
$(UNIT_SRC:tests/unit/%.c=$(B)/unit/%): $(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtouchlined.a $(B)/libtouchkit.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(PKG_LIBS) -lcmocka -o $@
define unit_channel_rule
$(B)/unit/channels/$(1)/%: $(B)/obj/tests/unit/channels/$(1)/%.o $$(call obj,$$(wildcard channels/$(1)/*.c)) $(B)/libtouchkit.a
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) $$^ $$(CHANNEL_LIBS_$(1)) $$(KIT_LIBS) -lcmocka -lpthread -o $$@
$(B)/obj/tests/unit/channels/$(1)/%.o: tests/unit/channels/$(1)/%.c $(B)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)
	$$(Q)$$(CCACHE) $$(CC) $$(CFLAGS_ALL) -Ichannels $$(CHANNEL_CFLAGS_$(1)) -c $$< -o $$@
endef
$(foreach c,$(CHANNELS),$(eval $(call unit_channel_rule,$(c))))
.SECONDARY:

# A fuzz target is tests/fuzz/fuzz_NAME.c with its seeds in tests/fuzz/seeds/NAME/, built by clang, sanitized. A name that
# begins with a channel's (fuzz_email_lmtp) is linked with that channel and the kit alone, as its .so is; any other with the
# rooms below, which are compiled once more for it.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_ROOMS := base config touchpoint spool http store ingest delivery
FUZZ_CC ?= clang-14
FUZZ_FLAGS = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -O1 -g
FUZZ_CFLAGS = -std=c11 -D_GNU_SOURCE -Iinclude -Idaemon -Ichannels -Itests/fuzz $(PKG_CFLAGS) $(FUZZ_FLAGS) -MMD -MP
fuzz_obj = $(patsubst %.c,build/fuzz/obj/%.o,$(1))
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CCACHE) $(FUZZ_CC) $(FUZZ_CFLAGS) $(CHANNEL_CFLAGS_$(word 2,$(subst /, ,$*))) -c $< -o $@
build/fuzz/libtouchkit.a: $(call fuzz_obj,$(KIT_SRC))
	$(Q)rm -f $@ && ar rcs $@ $^
build/fuzz/librooms.a: $(call fuzz_obj,$(wildcard $(FUZZ_ROOMS:%=daemon/%/*.c))) build/obj/functions.o $(B)/files
	$(Q)rm -f $@ && ar rcs $@ $(filter %.o,$^)
fuzz_of = $(filter $(1) $(1)_%,$(FUZZ))
FUZZ_OF_ROOMS := $(filter-out $(foreach c,$(CHANNELS),$(call fuzz_of,$(c))),$(FUZZ))
$(FUZZ_OF_ROOMS:%=build/fuzz/fuzz_%): build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o build/fuzz/librooms.a build/fuzz/libtouchkit.a
	$(call say,LINK)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ $(PKG_LIBS) -o $@
define fuzz_channel_rule
$$(patsubst %,build/fuzz/fuzz_%,$$(call fuzz_of,$(1))): build/fuzz/fuzz_%: build/fuzz/obj/tests/fuzz/fuzz_%.o $$(call fuzz_obj,$$(wildcard channels/$(1)/*.c)) build/fuzz/libtouchkit.a
	$$(call say,LINK)
	$$(Q)$$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $$^ $$(CHANNEL_LIBS_$(1)) $$(KIT_LIBS) -o $$@
endef
$(foreach c,$(CHANNELS),$(if $(call fuzz_of,$(c)),$(eval $(call fuzz_channel_rule,$(c)))))

# What T names is built alone: one room's tests run while another's do not link yet.
UNITS_PICKED := $(if $(filter-out .,$(T)),$(foreach u,$(UNITS),$(if $(findstring $(T:test_%=%),$(u)),$(u))),$(UNITS))
unit: $(UNITS_PICKED) ## runs the unit tests (T=name picks)
	@sh tests/lib/units.sh $(or $(T),.) $(UNITS_PICKED)

units-built: $(UNITS)

fuzz-built: $(FUZZ:%=build/fuzz/fuzz_%)

run: deps ## starts the daemon on the development configuration
	@$(MAKE) --no-print-directory all
	@exec sh conf/run.sh

demo: deps ## pushes a real sample through every channel and prints what came of it
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/demo/demo.py

check: deps-check ## passes the tests (T=name picks)
	@exec sh tests/run.sh $(or $(T),.)

fuzz: deps-check ## fuzzes for SECONDS (600) each, F=name picks one
	@$(MAKE) --no-print-directory fuzz-built
	@sh tests/fuzz/run.sh $(or $(SECONDS),600) $(or $(F),.)

bench: deps-check ## measures, as ratios to neighbours
	@$(MAKE) --no-print-directory all bench-built
	@$(PYTHON) tests/bench/bench.py $(T)

BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/libtouchlined.a $(B)/libtouchkit.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(PKG_LIBS) -o $@
bench-built: $(BENCHES)

# The router under a turned clock, in a world of its own: tests/sim/NAME.c becomes build/sim/NAME.
SIMS := $(patsubst tests/sim/%.c,$(B)/sim/%,$(wildcard tests/sim/*.c))
$(B)/sim/%: $(B)/obj/tests/sim/%.o $(B)/libtouchlined.a $(B)/libtouchkit.a
	@mkdir -p $(@D)
	$(call say,LINK)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(PKG_LIBS) -o $@
sim-built: $(SIMS)

sim: ## the router's simulator at full length: 10 seeds of 1,000,000 events, each in three ways
	@$(MAKE) --no-print-directory sim-built
	@$(B)/sim/router_sim --seed 1 --worlds 10 --events 1000000

sim-faults: ## plants a fault in each rule of the router: the simulator or a test must see it
	@$(PYTHON) tests/sim/faults.py $(T)

lint: deps-check ## checks format, headers, rooms, tables
	@sh tests/lint/run.sh

format: ## formats the C sources
	clang-format-14 -i $$(git ls-files '*.c' '*.h')

cover: deps-check ## test coverage by line, in build/cover
	@$(MAKE) --no-print-directory B=build/cover OPT='-O0 -g --coverage -fprofile-update=atomic' LDFLAGS=--coverage unit
	gcovr --root . --object-directory build/cover --gcov-ignore-parse-errors --exclude tests/ --print-summary --html-details build/cover/index.html

debug: all ## the daemon on the development configuration under gdb
	@DEBUGGER='gdb --args' sh conf/run.sh

deps: ## installs what is missing to build and run
	@sh .ci/deps run
deps-check:
	@sh .ci/deps check

compile_commands.json: ## for editors
	@$(PYTHON) tests/lint/compile_commands.py '$(CC) $(CFLAGS_ALL)' $(KIT_SRC) $(DAEMON_SRC) $(CLI_SRC) daemon/main.c $(wildcard channels/*/*.c) > $@

# docs/*.scd become man pages where scdoc is.
MAN := $(if $(shell command -v scdoc 2>/dev/null),$(patsubst docs/%.scd,build/man/%,$(wildcard docs/*.scd)))
build/man/%: docs/%.scd
	@mkdir -p $(@D)
	scdoc < $< > $@

install: all $(MAN) ## installs (DESTDIR and prefix are honoured)
	install -d $(DESTDIR)$(prefix)/sbin $(DESTDIR)$(prefix)/bin $(DESTDIR)$(channeldir) $(DESTDIR)$(unitdir) \
	    $(DESTDIR)$(prefix)/lib/sysusers.d $(DESTDIR)$(prefix)/lib/tmpfiles.d $(DESTDIR)$(sysconfdir)/touchline \
	    $(DESTDIR)$(prefix)/include/touchline/kit $(DESTDIR)$(prefix)/lib $(DESTDIR)$(docdir) \
	    $(DESTDIR)$(prefix)/share/bash-completion/completions
	install -m 755 $(B)/touchlined $(DESTDIR)$(prefix)/sbin/
	install -m 755 $(B)/touchline $(DESTDIR)$(prefix)/bin/
	install -m 644 $(CHANNELS:%=$(B)/channels/%.so) $(DESTDIR)$(channeldir)/
	$(if $(PHONE),install -m 644 $(PHONE) $(DESTDIR)$(prefix)/lib/touchline/)
	install -m 644 include/touchline/*.h $(DESTDIR)$(prefix)/include/touchline/
	install -m 644 include/touchline/kit/*.h $(DESTDIR)$(prefix)/include/touchline/kit/
	install -m 644 $(B)/libtouchkit.a $(DESTDIR)$(prefix)/lib/
	for unit in systemd/*.service; do \
	    sed 's|/usr/sbin/touchlined|$(prefix)/sbin/touchlined|g; s|^ExecPaths=/usr/lib|ExecPaths=$(prefix)/lib /usr/lib|' $$unit > $(DESTDIR)$(unitdir)/$${unit##*/}; done
	install -m 644 systemd/*.conf README.md $(DESTDIR)$(docdir)/
	install -m 644 systemd/touchline.sysusers $(DESTDIR)$(prefix)/lib/sysusers.d/touchline.conf
	install -m 644 systemd/touchline.tmpfiles $(DESTDIR)$(prefix)/lib/tmpfiles.d/touchline.conf
	test -e $(DESTDIR)$(sysconfdir)/touchline/touchline.yml || install -m 640 conf/touchline.yml $(DESTDIR)$(sysconfdir)/touchline/
	$(B)/touchline completion bash > $(DESTDIR)$(prefix)/share/bash-completion/completions/touchline
	for page in $(MAN); do install -D -m 644 $$page $(DESTDIR)$(prefix)/share/man/man$${page##*.}/$${page##*/}; done

clean: ## removes what was built and the development state
	rm -rf build var compile_commands.json

help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z_.-]+:.*## / { printf "  %-22s %s\n", $$1, $$2 }' Makefile

-include $(shell find $(B)/obj build/fuzz/obj -name '*.d' 2>/dev/null)
