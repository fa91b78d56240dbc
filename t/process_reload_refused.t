# SPDX-License-Identifier: BSD-2-Clause
#
# A reload that cannot start its workers changes nothing: no place for as many
# beside those that are there, no process to be had.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

plan skip_all => 'an nginx stops serving' if is_oracle();

my $conf = <<'EOC';
%%GLOBALS%%
worker_processes 1;
events { }
http {
    %%GLOBALS_HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/old.sock;
        location / { return 200 "one\n"; }
    }
}
EOC

my $t = Weir::Test->new;
$t->run($conf);
my @before;
wait_until(sub { @before = Weir::Test::children($t->pid) });

# Something that the workers cannot change in themselves.
(my $other = "worker_rlimit_core 1m;\n$conf") =~ s/one/other/;
(my $many = $other) =~ s/worker_processes 1/worker_processes 1024/;
$many =~ s/other/many/;
$many =~ s/old\.sock/new.sock/;
$t->expect_log(qr/1024 worker processes cannot be started beside the 1/);
$t->conf($many);
$t->signal('HUP');
ok $t->wait_log(qr/\[alert\] .*1024 worker processes cannot be started/),
    'no place for as many';
is $t->get('/')->body, "one\n", 'the configuration stays';
is_deeply [Weir::Test::children($t->pid)], \@before, 'and the workers';
ok -e $t->path('old.sock') && !-e $t->path('new.sock'), 'and the sockets';

SKIP: {
    my $master = $t->pid;

    skip 'the number of processes of root is not limited', 4
        if $> == 0 || system('prlimit', "--pid=$master", '--nproc=1:') != 0;
    (my $two = $other) =~ s/other/two/;
    $two =~ s/old\.sock/new.sock/;
    $t->expect_log(qr/fork\(\) failed|no worker process could be started/);
    $t->conf($two);
    $t->signal('HUP');
    ok $t->wait_log(qr/\[alert\] .*no worker process could be started/),
        'no process to be had';
    is $t->get('/')->body, "one\n", 'the configuration stays';
    is_deeply [Weir::Test::children($t->pid)], \@before, 'and the workers';
    ok -e $t->path('old.sock') && !-e $t->path('new.sock'), 'and the sockets';
    system 'prlimit', "--pid=$master", '--nproc=4096:';
}

(my $next = $conf) =~ s/one/next/;
$t->conf($next);
$t->signal('HUP');
ok wait_until(sub { $t->get('/')->body eq "next\n" }), 'the next reload is one';

done_testing;
