# SPDX-License-Identifier: BSD-2-Clause
#
# access_log and log_format: formats, escaping, conditions, buffers, names
# with variables, off, and reopening.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

my $t = Weir::Test->new;
$t->mkdir('by');
chmod 0777, $t->path('by');
$t->run(<<'EOC');
%%HTTP%%
    log_format short "$uri $status";
    log_format plain escape=default "[$arg_a][$http_x][$arg_none]";
    log_format json escape=json '{"a": "$arg_a", "x": "$http_x"}';
    log_format raw escape=none "[$http_x][$arg_none]";
    log_format pieces "$request_method" " " "$uri"
                      ' ${status}';
    log_format vars "$connection $connection_requests $msec $pipe "
                    "$request_length $request_time $bytes_sent "
                    "$body_bytes_sent $time_iso8601";
    root %%TESTDIR%%;       # a name with variables needs one that exists
    map $arg_log $wanted { 0 0; none ""; default 1; }
    server {
        listen 127.0.0.1:%%PORT%%;
        default_type text/plain;
        location /combined { access_log %%TESTDIR%%/combined.log;
                            return 200 ok; }
        location /short { access_log %%TESTDIR%%/short.log short;
                         return 200 ok; }
        location /plain { access_log %%TESTDIR%%/plain.log plain;
                         return 200 ok; }
        location /json { access_log %%TESTDIR%%/json.log json; return 200 ok; }
        location /raw { access_log %%TESTDIR%%/raw.log raw; return 200 ok; }
        location /pieces { access_log %%TESTDIR%%/pieces.log pieces;
                           return 204; }
        location /vars { access_log %%TESTDIR%%/vars.log vars; return 200 ok; }
        location /if { access_log %%TESTDIR%%/if.log short if=$wanted;
                       return 200 ok; }
        location /two { access_log %%TESTDIR%%/two1.log short;
                        access_log %%TESTDIR%%/two2.log pieces;
                        return 200 ok; }
        location /off { access_log off; return 200 ok; }
        location /buffer { access_log %%TESTDIR%%/buffer.log short
                           buffer=4k flush=200ms; return 200 ok; }
        location /full { access_log %%TESTDIR%%/full.log short
                         buffer=256; return 200 ok; }
        location /by { access_log %%TESTDIR%%/by/$arg_name.log short;
                       return 200 ok; }
        location /cached { open_log_file_cache max=4 inactive=1s valid=1s;
                           access_log %%TESTDIR%%/by/$arg_name.log short;
                           return 200 ok; }
        location /inner { error_page 404 /short; return 404; }
        location /outer/ { access_log %%TESTDIR%%/short.log short;
            location /outer/in { return 200 ok; }
            location /outer/off { access_log off; return 200 ok; } }
    }
}
EOC

# lines($name, $count): waits for that many lines of a log.
sub lines {
    my ($name, $count) = @_;

    wait_until(sub { $t->log($name) >= $count });
    return $t->log($name);
}

# ---- the predefined format ----

$t->get('/combined?q=1', headers => [Referer => 'http://ref/',
        'User-Agent' => 'agent "1"', Authorization => 'Basic dXNlcjpwdw==']);
$t->get('/combined');
my @combined = lines('combined.log', 2);
my $time = qr{\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]};
my $line = qr{"GET /combined\?q=1 HTTP/1\.1"};
my $rest = qr{200 2 "http://ref/" "agent \\x221\\x22"};
like $combined[0], qr{^127\.0\.0\.1 - user $time $line $rest$}, 'combined';
like $combined[1],
    qr{^127\.0\.0\.1 - - $time "GET /combined HTTP/1\.1" 200 2 "-" "-"$},
    'combined: what is missing is a dash';

# ---- formats and escaping ----

$t->get('/short');
is +(lines('short.log', 1))[0], '/short 200', 'a format of its own';
$t->get('/plain?a=a%20b', headers => ['X' => "q\"b\\\x01\x7f\xe4"]);
is +(lines('plain.log', 1))[0], '[a%20b][q\x22b\x5C\x01\x7F\xE4][-]',
    'escape=default';
$t->get('/json?a=1', headers => ['X' => "q\"b\\\t\x01/\xe4"]);
is +(lines('json.log', 1))[0],
    qq({"a": "1", "x": "q\\"b\\\\\\t\\u0001/\xe4"}), 'escape=json';
$t->get('/raw', headers => ['X' => "q\"b\\\x01\xe4"]);
is +(lines('raw.log', 1))[0], "[q\"b\\\x01\xe4][]", 'escape=none';
$t->get('/pieces');
is +(lines('pieces.log', 1))[0], 'GET /pieces 204', 'a format in pieces';

my $c = $t->connect;
my $r = $c->get('/vars');
$c->get('/vars');
my @vars = map { [split / /] } lines('vars.log', 2);
is $vars[0][0], $vars[1][0], '$connection';
is "$vars[0][1] $vars[1][1]", '1 2', '$connection_requests';
like $vars[0][2], qr/^\d{10}\.\d{3}$/, '$msec';
is $vars[0][3], '.', '$pipe';
is $vars[0][4], length "GET /vars HTTP/1.1\r\nHost: localhost\r\n\r\n",
    '$request_length';
like $vars[0][5], qr/^\d+\.\d{3}$/, '$request_time';
is $vars[0][6], length $r->raw, '$bytes_sent';
is $vars[0][7], 2, '$body_bytes_sent';
like $vars[0][8], qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/,
    '$time_iso8601';

$c = $t->connect;
$c->send("GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n" x 2);
$c->read_response for 1, 2;
is scalar(lines('pieces.log', 3)), 3, 'pipelined requests: a line each';
$t->raw("GET / HTTP/9.9\r\n\r\n");
ok $t->wait_log(qr{"GET / HTTP/9\.9" 505 }, 'access.log'),
    'a bad request is logged';

# ---- conditions, several logs, off ----

$t->get("/if?log=$_") for 0, 'none', 1, 'yes';
is_deeply [lines('if.log', 2)], ['/if 200', '/if 200'], 'if=';
$t->get('/two');
is +(lines('two1.log', 1))[0], '/two 200', 'two logs: first';
is +(lines('two2.log', 1))[0], 'GET /two 200', 'two logs: second';
$t->get('/off');
$t->get('/outer/in');
is +(lines('short.log', 2))[1], '/outer/in 200', 'inherited';
$t->get('/outer/off');
$t->get('/inner');
is +(lines('short.log', 3))[2], '/short 404',
    'logged where the request ended';

# ---- buffers ----

$t->get('/buffer');
is $t->read('buffer.log'), '', 'a buffer holds the line back';
is +(lines('buffer.log', 1))[0], '/buffer 200', 'flush= writes it';
$t->get("/full$_") for 1 .. 40;
my @full = lines('full.log', 20);
cmp_ok scalar(@full), '<', 40, 'a full buffer is written';
is $full[0], '/full1 200', 'a full buffer: lines in order';
is scalar(grep { !/^\/full\d+ 200$/ } @full), 0,
    'a full buffer: whole lines only';

# ---- names with variables ----

$t->get("/by?name=$_") for 'x', 'y', 'x';
is_deeply [lines('by/x.log', 2)], ['/by 200', '/by 200'],
    'a name with a variable';
is +(lines('by/y.log', 1))[0], '/by 200', 'another name';
$t->get("/cached?name=c$_") for 1 .. 6, 1;
is scalar(lines('by/c1.log', 2)), 2, 'open_log_file_cache';

# ---- reopening ----

my $count = $t->log('short.log');
rename $t->path('short.log'), $t->path('short.old');
$t->get('/short');
wait_until(sub { $t->log('short.old') > $count });
is scalar($t->log('short.old')), $count + 1, 'renamed: the same file goes on';
$t->signal('USR1');
ok wait_until(sub { -e $t->path('short.log') }), 'USR1: a new file';
ok wait_until(sub { $t->get('/short'); $t->log('short.log') }),
    'USR1: it is written to';
SKIP: {
    skip 'only root gives files away', 1 if $>;
    my $uid = getpwnam 'nobody';
    ok wait_until(sub { (stat $t->path('short.log'))[4] == $uid }),
        'USR1: it belongs to the worker';
}

$t->stop;
is scalar($t->log('full.log')), 40, 'buffers are written at the end';

done_testing;
