# SPDX-License-Identifier: BSD-2-Clause
#
# access_log: subrequests, requests that were cut off, gzip and buffers across
# signals, syslog over unix sockets and what is lost there, symbolic links,
# bounds of open_log_file_cache; log_not_found; worker_shutdown_timeout.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use IO::Uncompress::Gunzip qw(gunzip);
use Socket qw(SOCK_DGRAM);
use Weir::Test;

need_module('http_auth_request', 'http_addition');

my $t = Weir::Test->new;
$t->mkdir('by');
chmod 0777, $t->path('by'), $t->dir;
$t->write("html/$_", "$_\n") for qw(with without after a);
$t->write('by/real.log', '');
chmod 0666, $t->path('by/real.log');
symlink $t->path('by/real.log'), $t->path('by/link1');
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $t->path('sock'))
    or die "socket: $!\n";
chmod 0777, $t->path('sock');
$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    default_type text/plain;
    client_header_timeout 1s;
    client_body_timeout 1s;
    log_format short '$uri';
    log_format sub '$uri|$request|$status|$request_uri|$args';
    log_format cut '$status "$request" $uri $request_completion';
    access_log %%TESTDIR%%/cut.log cut;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { }
        location /with { log_subrequest on; access_log %%TESTDIR%%/sub.log sub;
                         auth_request /auth; add_after_body /after; addition_types *; }
        location /without { access_log %%TESTDIR%%/sub.log sub;
                            auth_request /silent; add_after_body /after; addition_types *; }
        location /auth { log_subrequest on; access_log %%TESTDIR%%/sub.log sub; return 204; }
        location /silent { access_log %%TESTDIR%%/sub.log sub; return 204; }
        location /after { log_subrequest on; access_log %%TESTDIR%%/sub.log sub; }
        location /nf1 { log_not_found off; }
        location /nf2/ { log_not_found off; index nosuch; }
        location /nf3 { log_not_found on; }
        location /body { client_max_body_size 1m; proxy_pass http://127.0.0.1:%%PORT%%/a; }
        location /gz { access_log %%TESTDIR%%/log.gz short gzip; return 204; }
        location /buf { access_log %%TESTDIR%%/buf.log short buffer=32k; return 204; }
        location /plain { access_log %%TESTDIR%%/both.log short; access_log %%TESTDIR%%/both.log short buffer=8k flush=10m; return 204; }
        location /sys { access_log syslog:server=unix:%%TESTDIR%%/sock,nohostname,tag=a_1,severity=crit short; return 204; }
        location /sysdef { access_log syslog:server=unix:%%TESTDIR%%/sock short; return 204; }
        location /lost { access_log syslog:server=unix:%%TESTDIR%%/nosock short; return 204; }
        location /syserr { error_log syslog:server=unix:%%TESTDIR%%/sock,facility=auth,tag=e; }
        location /link { disable_symlinks on; access_log %%TESTDIR%%/by/link$arg_n short; return 204; }
        location /owner { disable_symlinks if_not_owner; access_log %%TESTDIR%%/$arg_n short; return 204; }
        location /max { open_log_file_cache max=2 inactive=20s valid=20s; access_log %%TESTDIR%%/by/max$arg_n short; return 204; }
        location /idle { open_log_file_cache max=9 inactive=1s valid=20s; access_log %%TESTDIR%%/by/idle$arg_n short; return 204; }
        location /dir { access_log %%TESTDIR%%/by$arg_n short; return 204; }
        location /nul { access_log %%TESTDIR%%/by/nul$arg_n short; return 204; }
    }
}
EOC

sub lines {
    my ($name, $count) = @_;

    wait_until(sub { $t->log($name) >= $count });
    return $t->log($name);
}

# ---- subrequests ----

$t->get('/with?a=b');
is_deeply [lines('sub.log', 3)], [
    '/auth|GET /with?a=b HTTP/1.1|204|/with?a=b|-',
    '/after|GET /with?a=b HTTP/1.1|200|/with?a=b|-',
    '/with|GET /with?a=b HTTP/1.1|200|/with?a=b|a=b',
], 'log_subrequest on' or diag join "\n", $t->log('sub.log');
$t->get('/without');
my @sub = lines('sub.log', 5);
is scalar(@sub), 5, 'log_subrequest: of the place of the subrequest';
unlike "@sub", qr/silent/, '... off';

# ---- log_not_found ----

$t->get($_) for '/nf1', '/nf2/', '/nf3';
ok $t->wait_log(qr{open\(\) "\S+/nf3" failed}), 'log_not_found on';
is scalar(grep { m{/nf[12]} } $t->log), 0, 'log_not_found off';

# ---- requests that were cut off ----

sub cut_line {
    my ($bytes, $wanted, $name, $leaves) = @_;
    my $c = $t->connect;

    $c->send($bytes);
    $leaves ? $c->close : $c->read_response;
    ok $t->wait_log(qr/^\Q$wanted\E$/, 'cut.log'), $name
        or diag join "\n", $t->log('cut.log');
}

cut_line("GET /gone1", '400 "GET /gone1" - ', 'left in the request line', 1);
cut_line("GET /gone2 HTTP/1.1\r\nHost: a", '400 "GET /gone2 HTTP/1.1" /gone2 ',
         'left in the head', 1);
cut_line("GET /late1", '408 "GET /late1" - ', 'late in the request line');
cut_line("GET /late2 HTTP/1.1\r\nHost: a",
         '408 "GET /late2 HTTP/1.1" /late2 ', 'late in the head');
cut_line("POST /body?1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
         '408 "POST /body?1 HTTP/1.1" /body ', 'late in the body');
cut_line("POST /body?2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
         '400 "POST /body?2 HTTP/1.1" /body ', 'left in the body', 1);
my $before = $t->log('cut.log');
$t->connect->close;
$t->get('/a');
wait_until(sub { $t->log('cut.log') > $before });
is scalar($t->log('cut.log')), $before + 1, 'nothing was sent: no line';

# ---- syslog ----

sub datagram {
    vec(my $set = '', fileno $socket, 1) = 1;
    return '' if !select $set, undef, undef, 5;
    $socket->recv(my $bytes, 9000);
    return $bytes;
}

$t->get('/sys/1');
like datagram(), qr{^<186>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d a_1: /sys/1$},
    'syslog: unix socket, severity, nohostname';
$t->get('/sysdef');
like datagram(), qr{^<190>.{15} \S+ nginx: /sysdef$}, 'syslog: defaults';
$t->get('/syserr');
like datagram(), qr{^<35>.{15} \S+ e: \d{4}/.{14} \[error\] \d+#\d+: \*\d+ open\(\)},
    'syslog: an error log';
$t->get('/lost');
ok $t->wait_log(qr{\[alert\] \d+#\d+: connect\(\) failed \(2: No such file or directory\)(?: while logging to syslog, server: unix:\S+/nosock)?$}),
    'syslog: a lost line is told';
ok $t->wait_log(qr{\[warn\] .*: \*\d+ send\(\) to syslog failed while logging request, client: }),
    '... and of which request it was';
$t->expect_log(qr/\[alert\] .* connect\(\) failed/);

# ---- names with variables ----

$t->get('/link?n=1');
ok $t->wait_log(qr{\[crit\] .* openat\(\) "\S+/by/link1" failed \(40: }),
    'disable_symlinks on';
is $t->read('by/real.log'), '', '... nothing is written';
$t->get('/link?n=2');
is +(lines('by/link2', 1))[0], '/link', '... but to what is no link';
symlink $t->path('by'), $t->path('folder');
$t->get('/owner?n=by/link1');
ok $t->wait_log(qr{\[crit\] .* openat\(\) "\S+/by/link1" failed .* "GET /owner}),
    'disable_symlinks if_not_owner: what may be made is no link';
$t->get('/owner?n=folder/owner');
SKIP: {
    skip 'the folder has two owners', 1
        if (lstat $t->path('folder'))[4] != (stat $t->path('by'))[4];
    is +(lines('by/owner', 1))[0], '/owner', '... but its folder may be';
}
$t->get('/dir');
ok $t->wait_log(qr{\[crit\] .* open\(\) "\S+/by" failed \(21: Is a directory}),
    'a folder';
$t->expect_log(qr/\[crit\] .* open(?:at)?\(\)/);

$t->get("/max?n=$_") for 1 .. 3;
lines("by/max$_", 1) for 1 .. 3;
rename $t->path("by/max$_"), $t->path("by/max$_.old") for 1 .. 3;
$t->get("/max?n=$_") for 3, 1;
is scalar(lines('by/max3.old', 2)), 2, 'max: the last used is open';
is scalar(lines('by/max1', 1)), 1, '... and the oldest is not';
$t->get('/idle?n=1');
lines('by/idle1', 1);
rename $t->path('by/idle1'), $t->path('by/idle1.old');
select undef, undef, undef, 2.2;
$t->get('/idle?n=2');
$t->get('/idle?n=1');
is scalar(lines('by/idle1', 1)), 1, 'inactive: closed when not used';

# ---- gzip and buffers across signals ----

sub unzipped {
    my $bytes = $t->read($_[0]) // '';

    gunzip(\$bytes, \my $out, MultiStream => 1);
    return $out // '';
}

$t->get("/$_/1") for qw(gz buf plain);
is -s $t->path($_), 0, "$_ is held back" for qw(log.gz buf.log both.log);
for my $name (qw(log.gz buf.log)) {
    rename $t->path($name), $t->path("$name.old");
}
$t->signal('USR1');
ok wait_until(sub { unzipped('log.gz.old') eq "/gz/1\n" }),
    'USR1: a member of gzip goes to the old file';
ok wait_until(sub { $t->read('buf.log.old') eq "/buf/1\n" }),
    '... and so does a buffer';
ok wait_until(sub { -e $t->path('log.gz') && -e $t->path('buf.log') }),
    '... and new files are there';
$t->get("/$_/2") for qw(gz buf plain);
$t->get('/gz/3');
is -s $t->path('log.gz'), 0, 'again it is held back';
$t->signal('TERM');
$t->wait_exit;
is unzipped('log.gz'), "/gz/2\n/gz/3\n", 'TERM: gzip is written';
is $t->read('buf.log'), "/buf/2\n", '... and buffers are';
is $t->read('both.log'), "/plain/1\n" x 2 . "/plain/2\n" x 2,
    'a file with and without buffer has one buffer';

# ---- what worker_shutdown_timeout cuts off ----

my $hung = Weir::Backend->tcp(sub { my ($c) = @_; 1 while sysread $c->socket, my $in, 9000; });
my $up = $hung->port;
my $s = Weir::Test->new;
$s->write('html/big', 'x' x 20_000_000);
$s->run(<<"EOC");
worker_shutdown_timeout 500ms;
%%HTTP%%
    log_format short '\$status "\$request" \$request_completion';
    access_log %%TESTDIR%%/short.log short buffer=8k;
    client_header_timeout 1s;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location /up { proxy_pass http://127.0.0.1:$up; }
    }
}
EOC
my @open = map { my $c = $s->connect; $c->send($_); $c }
    "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", "GET /up HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
    "GET /part", '';
select undef, undef, undef, 0.3;
$s->stop('QUIT');
my $lines = join "\n", sort $s->log('short.log');
like $lines, qr{^000\ "GET\ /up\ HTTP/1\.1"\ \n000\ "POST\ /up\ HTTP/1\.1"\ \n
    200\ "GET\ /big\ HTTP/1\.1"\ \n(?:408\ "GET\ /part"\ )?$}mx,
    'worker_shutdown_timeout: lines of what it cut off'
    if is_oracle();
is $lines, join("\n", '000 "GET /part" ', '000 "GET /up HTTP/1.1" ',
                '000 "POST /up HTTP/1.1" ', '200 "GET /big HTTP/1.1" '),
    'worker_shutdown_timeout: lines of what it cut off'
    if !is_oracle();

done_testing;
