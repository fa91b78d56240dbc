# SPDX-License-Identifier: BSD-2-Clause
#
# A test leaves nothing behind, however it ends: no process, no file.  Small
# tests that end badly are run in a temporary folder of their own, which must be
# empty afterwards.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test qw(:DEFAULT slow);

my $start = <<'EOT';
use lib "%LIB%";
use Weir::Load;
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/shut/file', 'x');
chmod 0, $t->path('html/shut');
$t->run(<<'EOC');
%MODE%
pid %%TESTDIR%%/nginx.pid;
error_log %%TESTDIR%%/error.log;
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 ok; } }
}
EOC
my $backend = Weir::Backend->tcp(sub { sleep 100 });
my $held = Weir::HTTP->new(port => $backend->port);
my $load = Weir::Load->start(sub { select undef, undef, undef, 0.01; return });
ok 1, 'it runs';
EOT

# A zombie that init has not seen yet does not count.
sub is_running {
    my ($pid) = @_;

    return Weir::Test::slurp("/proc/$pid/stat") =~ /^\d+ \(.*\) [^Z]/;
}

# run_test($mode, $rest): the wait status of a test, and what is left of it;
# $act is called with its pid once it runs.
sub run_test {
    my ($mode, $rest, $act) = @_;
    my $home = Weir::Test->new;
    my $lib = "$FindBin::Bin/lib";

    (my $text = "$start$rest") =~ s/%LIB%/$lib/;
    $text =~ s/%MODE%/$mode/;
    $home->write('one.t', $text);
    my $temp = $home->mkdir('tmp');
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        $ENV{TMPDIR} = $temp;
        delete $ENV{TEST_LEAVE};
        open STDOUT, '>', $home->path('out');
        open STDERR, '>', $home->path('err');
        exec $^X, $home->path('one.t') or POSIX::_exit(127);
    }
    my $is_up = wait_until(sub { $home->read('out') =~ /^ok 1/ }, slow(20));
    ok $is_up, "$mode $rest: it runs" or diag $home->read('err');
    my @started = Weir::Processes::descendants($pid);
    $act->($pid) if $act && $is_up;
    my $status = Weir::Test::wait_process($pid, slow(30)) // 'none';
    kill 'KILL', $pid if $status eq 'none';

    opendir my $all, $temp or die "$temp: $!\n";
    is join(' ', grep { !/^\.\.?$/ } readdir $all), '', 'no file is left';
    is join(' ', grep { (readlink "/proc/$_/cwd" // '') =~ /^\Q$temp\E/ }
                 map { m{(\d+)$} } glob '/proc/[0-9]*'), '',
        'no process in its folders';
    my @left = grep { is_running($_) } @started;
    is join(' ', map { Weir::Test::process_title($_) } @left), '',
        'no process that it started';
    return $status;
}

for my $mode ('daemon off;', 'daemon on;') {
    isnt run_test($mode, "die 'at a bad moment';"), 0, 'it dies';
    isnt run_test($mode, 'exit 3;'), 0, 'it ends without a plan';
    run_test($mode, "kill 'KILL', \$t->pid; done_testing;");
    for my $signal ('TERM', 'INT', 'HUP') {
        isnt run_test($mode, 'sleep 100;', sub { kill $signal, $_[0] }), 0,
            "SIG$signal";
    }
}

done_testing;
