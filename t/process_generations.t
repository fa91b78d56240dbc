# SPDX-License-Identifier: BSD-2-Clause
#
# Many configurations in one process: what runs ends under the one that it
# began with, what is idle moves on, and nothing is left behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::Test;

plan skip_all => 'an nginx keeps what it had' if is_oracle();

my $backend = Weir::Backend->http(sub {
    my ($request, $c) = @_;

    return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        . sprintf '%5d', $c->socket->peerport;
});
my $up = $backend->port;

sub conf {
    my ($word, $more) = @_;
    $more //= '';

    return <<"EOC";
%%GLOBALS%%
master_process off;
thread_pool many threads=2;
events { }
http {
    %%GLOBALS_HTTP%%
    open_file_cache max=10;
    log_format w '$word \$uri';
    access_log %%TESTDIR%%/$word.log w;
    upstream u { server 127.0.0.1:$up; $more }
    server {
        listen 127.0.0.1:%%PORT%%;
        listen 127.0.0.1:%%PORT_header%% proxy_protocol;
        root %%TESTDIR%%/html;
        location / { return 200 "$word\\n"; }
        location = /big { limit_rate 10k; }
        location = /file { aio threads=many; sendfile off; }
        location ~ ^/re(g)ex { return 200 \$1; }
        location /up { proxy_pass http://u; }
    }
}
EOC
}

my $t = Weir::Test->new;
$t->write('html/big', 'x' x 40_000);
$t->write('html/file', 'in a file');
$t->run(conf('one'));
my $pid = $t->pid;

sub rss { return Weir::Test::slurp("/proc/$pid/status") =~ /RssAnon:\s+(\d+)/ ? $1 : 0 }
sub descriptors { return scalar(() = glob "/proc/$pid/fd/*") }

# On the main port, or (its second argument) on another.
sub adopt {
    my ($conf, $port) = @_;
    my ($word) = $conf =~ /return 200 "(\w+)/;

    $t->conf($conf);
    $t->signal('HUP');
    return ok wait_until(sub {
        my $c = eval { $t->connect($port ? (port => $t->port($port)) : ()) }
            or return 0;
        return $c->get('/')->body eq "$word\n";
    }), "reload: $word";
}

my $kept = $t->connect;
is $kept->get('/')->body, "one\n", 'a connection';
my $upstream = $kept->get('/up')->body;
is $kept->get('/file')->body, 'in a file', 'a thread';
my $unknown = $t->connect(port => $t->port('header'));
$unknown->send("PROXY UNKNOWN\r\n");
is $unknown->get('/')->body, "one\n", 'a connection with a PROXY header';
my $slow = $t->connect;
$slow->send_request('GET', '/big');
sleep 0.3;

adopt(conf('two'));
is $kept->get('/')->body, "two\n", 'the kept connection serves it';
is $kept->get('/up')->body, $upstream, 'over the same connection to its upstream';
is $kept->get('/file')->body, 'in a file', 'and its threads';
is $unknown->get('/')->body, "two\n", 'and so does one whose header named nobody';

rename $t->path("$_.log"), $t->path("$_.old") for qw(one two);
$t->signal('USR1');
ok wait_until(sub { -e $t->path('one.log') && -e $t->path('two.log') }),
    'USR1 opens the logs of both again';
is length $slow->read_response->body, 40_000, 'what was in flight ends well';
ok wait_until(sub { $t->read('one.log') =~ m{^one /big$}m }),
    'and is logged as its configuration says';

my ($fds, $memory);
for (1 .. 60) {
    adopt(conf($_ % 2 ? 'one' : 'two', "keepalive $_;"));
    $upstream = $kept->get('/up')->body if $_ == 1; # no longer "local"
    $kept->get('/up');
    $kept->get('/file');
    $kept->get('/regex');
    ($fds, $memory) = (descriptors(), rss()) if $_ == 10;
}
is descriptors(), $fds, 'as many descriptors as before';
SKIP: {
    skip 'memory under a sanitizer', 1 if $ENV{ASAN_OPTIONS};
    cmp_ok rss() - $memory, '<', 1024, 'and about as much memory';
}
is $kept->get('/')->body, "two\n", 'over one connection all the time';
is $kept->get('/up')->body, $upstream, '... to the upstream, too';

# A port that goes, and one that comes.
(my $moved = conf('three')) =~ s/PORT%%/PORT_b%%/;
adopt($moved, 'b');
ok $kept->closed, 'an idle connection of a port that is gone is closed';
is $t->stop('QUIT'), 0, 'exit code';

done_testing;
