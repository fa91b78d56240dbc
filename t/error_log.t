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

# ---- nobody writes lines of his own ----

SKIP: {
    skip 'an nginx lets them', 5 if is_oracle();
    my $e = Weir::Test->new;
    $e->write('users', '');
    $e->expect_log(qr/\[error\] .*forged/);
    $e->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%;
        location /user { auth_basic x; auth_basic_user_file %%TESTDIR%%/users; }
    }
}
EOC
    $e->get('/a%0A2026/01/01%2000:00:00%20[emerg]%20forged%1b[31m%7f%09');
    my $line = $e->wait_log(qr/forged/) // '';
    like $line, qr{^$day \[error\] .*/a\\x0A2026/01/01 00:00:00 \[emerg\] forged\\x1B\[31m\\x7F\\x09" failed},
        'control bytes of a decoded URI';
    $e->get('/user', headers => [Authorization => 'Basic dQp0d286cA==']); # u\ntwo:p
    like $e->wait_log(qr/was not found in/) // '', qr/user "u\\x0Atwo" was not found/,
        'of the name of a user';
    $e->get('/%E2%82%AC');
    ok $e->wait_log(qr{/\xe2\x82\xac" failed}), 'other bytes are left as they are';
    $e->get('/' . '%01' x 900);
    $line = $e->wait_log(qr{(?:\\x01){400}}) // '';
    cmp_ok length $line, '<', 2048, 'a line that becomes longer is cut';
    unlike $line, qr/[\x00-\x08\x0b-\x1f]/, 'and has none of them';
}

# ---- standard error beside and below other logs ----

for my $case (['error_log stderr;', '', '/x'],
              ['', 'error_log stderr;', '/x']) {
    my ($main, $inner, $uri) = @$case;
    my $s = Weir::Test->new;
    $s->run(<<"EOC");
error_log %%TESTDIR%%/first.log;
$main
%%HTTP%%
    server { listen 127.0.0.1:%%PORT%%; root %%TESTDIR%%; $inner }
}
EOC
    $s->get($uri);
    my $name = $main ? 'a second log' : 'an inner log';
    ok $s->wait_log(qr{open\(\) "\S+/x" failed}, 'stderr'), "stderr as $name";
    ok $main ? $s->wait_log(qr{open\(\) "\S+/x" failed}, 'first.log') : 1,
        'the first goes on';
    my $count = () = $s->read('first.log') =~ m{/x" failed}g;
    is $count, $main ? 1 : 0, 'and has each line once';
}

# ---- numbers of connections ----

my $n = Weir::Test->new;
my $conf = <<'EOC';
%%GLOBALS%%
worker_processes 3;
events { }
http {
    %%GLOBALS_HTTP%%
    server { listen 127.0.0.1:%%PORT%%; location / { return 200 "$pid $connection"; } }
}
EOC
$n->run($conf);
wait_until(sub { $n->worker_pids == 3 });
my (%numbers, %workers);
for my $round (1, 2) {
    for (1 .. 40) {
        my ($who, $number) = split ' ', $n->get('/')->body;
        $workers{$who}++;
        $numbers{$number}++;
    }
    $n->reload($conf) if $round == 1;
}
is scalar keys %numbers, 80, 'no two connections have one number';
cmp_ok scalar keys %workers, '>', 2, 'of several workers, over a reload';

# ---- a temporary file that cannot be written to ----

SKIP: {
    my ($prlimit) = grep { -x } '/usr/bin/prlimit', '/bin/prlimit';
    skip 'no prlimit', 2 if !$prlimit;
    local $SIG{XFSZ} = 'IGNORE';
    my $f = Weir::Test->new;
    # Of this process, which hands it on; its own is given back.
    system($prlimit, '--pid', $$, '--fsize=65536:') == 0
        or skip 'prlimit fails', 2;
    $f->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        client_body_in_file_only clean;
        location / { proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
    }
}
EOC
    system($prlimit, '--pid', $$, '--fsize=unlimited:');
    $f->expect_log(qr/pwritev?\(\) "/);
    is $f->post('/', 'x' x 300_000)->status, 500, 'no room for a body';
    ok $f->wait_log(qr{\[crit\] \d+#\d+: \*\d+ pwritev?\(\) "\S+/client_body_temp/\d+" failed \(27: }),
        'the log names the file';
}

done_testing;
