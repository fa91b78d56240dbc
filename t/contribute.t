# SPDX-License-Identifier: BSD-2-Clause
#
# What the READMEs promise to contributors, in a copy of the tree: the module of
# modules/README.md builds, works and passes the checks as it stands there; what
# is forgotten is refused; a unit test that fails prints what it got.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test qw(:DEFAULT slow top_folder);

my $build = $ENV{BUILD} // 'build';
my $top = top_folder();
plan skip_all => 'modules of weir' if is_oracle();
plan skip_all => "no objects in $build" if !-d "$top/$build/obj/modules";
plan skip_all => 'no make' if system('make --version >/dev/null 2>&1') != 0;

# The jobs and options of a make that runs this test are not those of its own.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};

my $t = Weir::Test->new;
my $tree = $t->mkdir('tree');
chdir $top or die;
my $files = join ' ', qw(configure GNUmakefile .clang-format README.md auto conf
    core http modules man t/lib t/unit t/fuzz/*.c), map { "$build/$_" }
    qw(Makefile configure.args flags config.h modules.c known.c *.list *.a obj weir);
system("tar -cf - $files | tar -xf - -C '$tree'") == 0 or die "tar: $?\n";
chdir $tree or die;

# run($command): (exit code, all that it printed)
sub run {
    my ($command) = @_;
    my $text = qx{{ $command; } 2>&1 </dev/null};

    return ($? >> 8, $text);
}

sub passes {
    my ($command, $name) = @_;
    my ($code, $text) = run($command);

    is $code, 0, $name // $command or diag $text;
}

sub fails {
    my ($command, $why, $name) = @_;
    my ($code, $text) = run($command);

    isnt $code, 0, $name;
    like $text, $why, "$name: the reason";
}

sub edit {
    my ($name, $text) = @_;

    $t->write("tree/$name", $text);
}


# ---- the module of the README ----

my $readme = $t->read('tree/modules/README.md');
my ($source) = $readme =~ /^```c\n(.*?)^```/ms;
my ($test) = $readme =~ /^```perl\n(.*?)^```/ms;
my ($row) = $readme =~ /^```\n(hello .*\n)```/m;
my $rows = $t->read('tree/auto/modules');

passes('sh auto/check/modules', 'the tree as it is');
edit('modules/content/hello.c', $source);
fails('sh auto/check/modules', qr{^modules/content/hello\.c: .* has no row}m,
      'a file without a row');
edit('auto/modules', $rows . $row =~ s/^hello/helo/r);
fails('sh auto/check/modules', qr/"struct module helo_module/,
      'a row with another name');
edit('auto/modules', "$rows$row$row");
fails("./configure --builddir=$build", qr/two rows have the name "hello"/,
      'a second row');

# Another module with one of its directives, in the same block and in another
(my $other = $source) =~ s/hello_module/again_module/g;
$other =~ s/"hello_times", IN_WEB/"hello_times", IN_UPSTREAM/;
edit('modules/content/again.c', $other);
edit('auto/modules', "$rows${row}again modules/content/again.c http -\n");
passes("make -s BUILD=$build $build/weir");
my ($code, $text) = run("sh auto/check/directives $build/weir");
isnt $code, 0, 'two modules with one directive';
is_deeply [$text =~ /^duplicate: .*/mg],
    [('duplicate: hello (http_hello)') x 2], 'which is named';

unlink 'modules/content/again.c';
edit('auto/modules', "$rows$row");
passes("make -s BUILD=$build $build/weir");
edit('t/hello.t', $test);
$ENV{TEST_BINARY} = "$tree/$build/weir";
passes('prove -It/lib t/hello.t');
passes('sh auto/check/tree.t | grep "^not ok" && exit 1; exit 0',
       'the checks of the tree');


# ---- unit tests: what they print ----

my @noisy = grep { (run("cd '$top' && $_ >/dev/null"))[1] ne '' }
    grep { !/\.d$/ } glob "$top/$build/t/unit/*";
is "@noisy", '', 'nothing but their results, when they pass';

edit('t/unit/wrong.c', <<'EOC');
/* SPDX-License-Identifier: BSD-2-Clause */
/* Fails in every way. */
#include "t/unit/tap.h"

int
main(void)
{
    is(1 + 1, 3, "numbers");
    is_str(STR("a\n"), "b", "strings");
    is_text(NULL, "c", "texts");
    is_same(&tap, NULL, "pointers");
    ok(tap.run == 0, "anything");
    return done();
}
EOC
passes("make -s BUILD=$build $build/t/unit/wrong");
($code, $text) = run("prove $build/t/unit/wrong");
isnt $code, 0, 'a unit test that fails';
like $text, qr/got: \Q$$_[0]\E\n# +expected: \Q$$_[1]\E\n/, "$$_[0]: both values"
    for ['2', '3'], ['(2) "a\x0a"', '(1) "b"'], ['"(null)"', '"c"'];
like $text, qr/got: 0x\w+\n# +expected: \(nil\)/, 'pointers: both values';
like $text, qr{failed at t/unit/wrong\.c:12: tap\.run == 0\n}, 'the condition';


# ---- what is installed ----

my $root = $t->path('root');
passes("make -s BUILD=$build DESTDIR=$root install");
my ($pages) = $t->read("tree/$build/Makefile") =~ /^export PREFIX +:= (.*)/m;
my $page = $t->read("root$pages/html/index.html");
unlike $page, qr/@[A-Z]+@/, 'the welcome page is filled in';
my @names = $page =~ m{(?<=[>\n])(/[^\s<]+)(?= -[ts]| doc|</code>)}g;
is scalar(@names), 5, 'it names files';
is join(' ', grep { !-e "$root$_" } @names), '', 'all of which are there';
my ($conf) = $page =~ m{<code>(/\S+/)nginx\.conf</code>};
ok -e "$root${conf}proxy_app", 'proxy_app is beside nginx.conf';


# ---- what make prints of itself ----

($code, $text) = run("make -s BUILD=$build help");
is $code, 0, 'make help';
for my $target ($t->read('tree/auto/rules.mk') =~ /^([a-z][a-z-]*):(?!=)/mg) {
    next if $target =~ /^(?:fuzz-run|tests-built|help)$/;
    like $text, qr/(?:^|, )\Q$target\E(?:,|\s)/m, "make help: $target";
}

done_testing;
