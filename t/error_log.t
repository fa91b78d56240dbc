# SPDX-License-Identifier: BSD-2-Clause
#
# error_log: the format of a line, levels, several logs, reopening.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->write('html/dir/x', 'x');
my $dir = $t->dir;
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name main.test;
        location / { }
        location /dead { proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location /deny { deny all; }
        location /own { error_log %%TESTDIR%%/own.log; }
        location /crit { error_log %%TESTDIR%%/crit.log crit; }
        location /two { error_log %%TESTDIR%%/two1.log;
                        error_log %%TESTDIR%%/two2.log error; }
        location /quiet { log_not_found off; }
        location /null { error_log /dev/null; }
        location /loop { rewrite ^ /loop/x; }
    }
}
EOC

my $day = qr{\d{4}/\d\d/\d\d \d\d:\d\d:\d\d};

# logged($name, $level, $text, $log): waits for a line of just this message.
sub logged {
    my ($name, $level, $text, $log) = @_;
    my $re = qr/^$day \[$level\] (\d+)#\1: \*\d+ \Q$text\E$/;

    ok $t->wait_log($re, $log), $name
        or diag join "\n", grep /\*/, $t->log($log);
}

my $client = 'client: 127.0.0.1, server: main.test';

# ---- lines of a request ----

$t->get('/nosuch?a=b', host => 'main.test');
logged('a file that is missing', 'error',
       qq{open() "$dir/html/nosuch" failed (2: No such file or directory), }
       . qq{$client, request: "GET /nosuch?a=b HTTP/1.1", host: "main.test"});
$t->get('/nosuch2', host => 'other.test:80',
        headers => [Referer => 'http://r/']);
logged('with a referrer', 'error',
       qq{open() "$dir/html/nosuch2" failed (2: No such file or directory), }
       . qq{$client, request: "GET /nosuch2 HTTP/1.1", }
       . 'host: "other.test:80", referrer: "http://r/"');
$t->get('/dir/', host => undef, version => '1.0');
logged('without a host', 'error',
       qq{directory index of "$dir/html/dir/" is forbidden, $client, }
       . 'request: "GET /dir/ HTTP/1.0"');
$t->get('/dir/x/y');
logged('below a file', 'error',
       qq{open() "$dir/html/dir/x/y" failed (20: Not a directory), $client, }
       . 'request: "GET /dir/x/y HTTP/1.1", host: "localhost"');
$t->get('/deny');
logged('access denied', 'error', "access forbidden by rule, $client, "
       . 'request: "GET /deny HTTP/1.1", host: "localhost"');
my $nobody = $t->port('nobody');
$t->get('/dead?x');
logged('an upstream that is dead', 'error',
       'connect() failed (111: Connection refused) while connecting to '
       . qq{upstream, $client, request: "GET /dead?x HTTP/1.1", }
       . qq{upstream: "http://127.0.0.1:$nobody/dead?x", host: "localhost"});
$t->get('/loop/');
logged('a loop', 'error', 'rewrite or internal redirection cycle while '
       . qq{processing "/loop/x", $client, request: "GET /loop/ HTTP/1.1", }
       . 'host: "localhost"');

# ---- lines of a connection, level info ----

$t->raw("GET /a b HTTP/1.1\r\n\r\n");
logged('a bad request line', 'info',
       qq{client sent invalid request while reading client request line, }
       . qq{$client, request: "GET /a b HTTP/1.1"});
$t->raw("GET / HTTP/1.1\r\n\r\n");
logged('no Host', 'info', 'client sent HTTP/1.1 request without "Host" header '
       . qq{while reading client request headers, $client, }
       . 'request: "GET / HTTP/1.1"');
my $c = $t->connect;
$c->send("GET /x");
$c->close;
logged('a client that leaves in the request line', 'info',
       'client prematurely closed connection while reading client request '
       . qq{line, $client, request: "GET /x"});

# ---- levels and places ----

$t->get('/own');
like $t->wait_log(qr/open/, 'own.log') // '', qr{"$dir/html/own" failed},
    'a log of a location';
is scalar(grep { m{/html/own"} } $t->log), 0, 'and not in the outer one';
$t->get('/crit');
$t->get('/two');
ok $t->wait_log(qr{/html/two"}, 'two1.log'), 'two logs: first';
ok $t->wait_log(qr{/html/two"}, 'two2.log'), 'two logs: second';
is $t->read('crit.log'), '', 'level crit has no error';
$t->get('/quiet');
$t->get('/null');
$t->get('/after');
ok $t->wait_log(qr{/html/after"}), 'the log goes on';
is scalar(grep { m{/html/(?:quiet|null)"} } $t->log), 0, 'log_not_found off';

# ---- what the master says ----

# notice($text, $name, $log, $pid): a line with this text, of that process.
sub notice {
    my ($text, $name, $log, $pid) = @_;
    my $who = $pid // '\d+';

    ok $t->wait_log(qr/^$day \[notice\] $who#$who: \Q$text\E$/, $log), $name;
}

my $pid = $t->pid;
my ($worker) = $t->worker_pids;
notice('using the "epoll" event method', 'event method', undef, $pid);
notice('start worker processes', 'start of the workers', undef, $pid);
notice("start worker process $worker", 'start of one', undef, $pid);

rename $t->path('error.log'), $t->path('error.old');
$t->signal('USR1');
notice("signal 10 (SIGUSR1) received from $$, reopening logs",
       'USR1: the signal', 'error.old', $pid);
ok wait_until(sub { -e $t->path('error.log') }), 'USR1: a new file';
ok wait_until(sub {
    $t->get('/late');
    return $t->read('error.log') =~ m{/html/late"};
}), 'USR1: it is written to';

$t->stop;
notice("signal 3 (SIGQUIT) received from $$, shutting down",
       'QUIT: the signal', undef, $pid);
notice('gracefully shutting down', 'QUIT: the worker', undef, $worker);
notice("worker process $worker exited with code 0", 'QUIT: its end', undef,
       $pid);
notice('exit', 'QUIT: the end of the worker', undef, $worker);
notice('exit', 'QUIT: the end', undef, $pid);

done_testing;
