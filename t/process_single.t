# SPDX-License-Identifier: BSD-2-Clause
#
# One process that does it all: master_process off.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

my $conf = <<'EOC';
%%GLOBALS%%
master_process off;
events { }
http {
    %%GLOBALS_HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { return 200 "one $pid\n"; }
        location = /big { limit_rate 10k; }
    }
}
EOC
(my $second = $conf) =~ s/"one /"two /;

my $t = Weir::Test->new;
$t->write('html/big', 'x' x 20_000);
$t->run($conf);
my $pid = $t->pid;
is_deeply [Weir::Test::children($pid)], [], 'there are no others';
is $t->get('/')->body, "one $pid\n", 'it serves itself';
is $t->read('nginx.pid'), "$pid\n", 'the pid file';

my $slow = $t->connect;
$slow->send_request('GET', '/big');
sleep 0.2;
my $word = is_oracle() ? 'one' : 'two'; # an nginx goes on with the old one
$t->conf($second);
$t->signal('HUP');
ok $t->wait_log(qr/ reconfiguring$/), 'HUP';
ok wait_until(sub { $t->get('/')->body =~ /^$word/ }), 'a new configuration';
is $t->get('/')->body, "$word $pid\n", 'in the same process';
is length $slow->read_response->body, 20_000, 'what was in flight goes on';

(my $broken = $conf) =~ s/return/retur/;
$t->expect_log(qr/unknown directive "retur"/);
$t->conf($broken);
$t->signal('HUP');
ok $t->wait_log(qr/\[emerg\] .*unknown directive "retur"/), 'a broken one is refused';
is $t->get('/')->body, "$word $pid\n", 'and the old one goes on';

# Connections that come with the signal: none is refused, all are answered.
SKIP: {
    skip 'an nginx may lose some', 1 if is_oracle();
    my ($asked, $answered) = (0, 0);
    $t->conf($second);
    for (1 .. 5) {
        $t->signal('STOP'); # so that both come in one turn of the loop
        my @waiting = map { $t->connect } 1 .. 4;
        $t->signal('HUP');
        $t->signal('CONT');
        push @waiting, map { $t->connect } 1 .. 4;
        $_->send_request('GET', '/') for @waiting;
        $answered += grep { $_->read_response->body =~ /^two/ } @waiting;
        $asked += @waiting;
    }
    is $answered, $asked, 'a reload with connections on their way';
}

rename $t->path('error.log'), $t->path('error.old');
$t->signal('USR1');
ok wait_until(sub { -e $t->path('error.log') }), 'USR1: logs are opened again';

$slow = $t->connect;
$slow->send_request('GET', '/big');
sleep 0.2;
SKIP: {
    skip 'an nginx without a master ends at once', 1 if is_oracle();
    $t->signal('QUIT');
    is length $slow->read_response->body, 20_000, 'QUIT: what is in flight ends';
}
is $t->stop('QUIT'), 0, 'exit code';
ok !-e $t->path('nginx.pid'), 'the pid file is gone';

done_testing;
