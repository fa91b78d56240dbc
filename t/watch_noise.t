# SPDX-License-Identifier: BSD-2-Clause
#
# Somebody else makes files all the time in a folder on the way to what is
# served: nobody is woken for each of them, and nothing is overlooked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;
use Weir::TLS;

need_tls();
plan(skip_all => 'nginx watches nothing') if is_oracle();

my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->issue($_) for qw(one two);
$pki->write("live.$_", $pki->read("one.$_")) for qw(pem key);
$t->mkdir('site');
$t->write('site/a', 'version 0');

$t->run(<<'EOC');
worker_processes 1;
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_tls%% ssl;
        ssl_certificate %%TESTDIR%%/tls/live.pem;
        ssl_certificate_key %%TESTDIR%%/tls/live.key;
        root %%TESTDIR%%/site;
    }
}
EOC

is $t->get('/a')->body, 'version 0', 'a file';

# wakes($pid): how often it has waited.
sub wakes { return Weir::Test::slurp("/proc/$_[0]/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : die }

# noise($n): so many files, made and removed, with a rest behind each.
sub noise {
    for (1 .. $_[0]) {
        $t->write('noise', '');
        unlink $t->path('noise');
        select undef, undef, undef, 0.001;
    }
}

my @pids = ($t->pid, $t->worker_pids);
my $files = 1500;
my @before = map { wakes($_) } @pids;
noise($files);
my @woken = map { wakes($pids[$_]) - $before[$_] } 0 .. $#pids;
cmp_ok $woken[0], '<', $files / 3, 'the master is not woken for each of them';
cmp_ok $woken[1], '<', $files / 3, 'nor is the worker';

my ($seen, $again) = (0, 0);
for my $n (1 .. 60) {
    noise(10);
    $t->write('site/a', "version $n");
    $seen += $t->get('/a')->body eq "version $n";
    $again += $t->get('/a')->body eq "version $n";
}
is $seen, 60, 'each change is seen at once';
is $again, 60, 'and again';
rename $t->path('site'), $t->path('gone') or die "rename: $!\n";
is $t->get('/a')->status, 404, 'a folder that is moved away';
rename $t->path('gone'), $t->path('site') or die "rename: $!\n";
is $t->get('/a')->status, 200, 'and back';

$pki->write("live.$_", $pki->read("two.$_")) for qw(pem key);
sub subject { return s_client($t->port('tls'), "GET / HTTP/1.0\r\n\r\n") =~ /^subject=.*CN = (\S+)/m ? $1 : '' }
ok wait_until(sub { noise(10); subject() eq 'two.test' }), 'a certificate that changes meanwhile';

noise(5);
kill 'KILL', $pids[1];
my $new;
ok wait_until(sub { ($new) = $t->worker_pids; $new && $new != $pids[1] && $t->get('/a')->status == 200 }), 'another worker';
is scalar(grep { (readlink // '') =~ /inotify/ } glob "/proc/$new/fd/*"), 1, 'has no watches but its own';
$t->expect_log(qr/exited on signal 9/);
done_testing;
