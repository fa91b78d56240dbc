# SPDX-License-Identifier: BSD-2-Clause
#
# error_log ... json: one object a line, with the context in fields of their
# own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use JSON::PP;
use Weir::Test;

Test::More::plan(skip_all => 'weir alone has error_log ... json')
    if is_oracle();

my $syslog = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "socket: $!\n";
my $port = $syslog->sockport;
my $t = Weir::Test->new;
$t->write('html/x', 'x');
my $dir = $t->dir;
$t->run(<<"EOC");
error_log %%TESTDIR%%/main.json notice json;
%%HTTP%%
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name main.test;
        error_log %%TESTDIR%%/error.log info;
        error_log %%TESTDIR%%/all.json info json;
        location / { access_log %%TESTDIR%%/access.json json; }
        location /dead { proxy_pass http://127.0.0.1:%%PORT_nobody%%; }
        location /plain { error_log %%TESTDIR%%/plain.json json; }
        location /crit { error_log %%TESTDIR%%/crit.json crit json; }
        location /syslog { error_log syslog:server=127.0.0.1:$port,tag=t warn json; }
        location /sub { auth_request /nosuchsub; }
    }
}
EOC

my $coder = JSON::PP->new->utf8; # refuses what is not UTF-8

# object($re, $log): waits for the line that holds $re, and reads it.
sub object {
    my ($re, $log) = @_;
    my $line = $t->wait_log($re, $log // 'all.json') // '';
    my $o = eval { $coder->decode($line) };

    diag "$@: $line" if !$o;
    return $o // {};
}

# is_object($o, \%wanted, $name): but for the time and the process, which are
# looked at here, and the number of the request.
sub is_object {
    my ($o, $wanted, $name) = @_;
    my %rest = %$o;
    my ($time, $pid, $tid) = delete @rest{qw(time pid tid)};
    my $id = delete $rest{request_id};

    like $time, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/,
        "$name: time";
    is "$pid $tid", join(' ', ($t->worker_pids)[0, 0]), "$name: process";
    like $id // '', qr/^[\da-f]{32}$/, "$name: request_id" if $rest{request};
    is_deeply \%rest, $wanted, $name;
}

# ---- lines of a request ----

$t->get('/nosuch?a="b"', host => 'main.test',
        headers => [Referer => "http://r/\xE9\xC3\xA9\x80"]);
my $o = object(qr/nosuch/);
like $o->{connection}, qr/^\d+$/, 'connection';
my $text = $coder->encode({ map { $_ => $o->{$_} } qw(pid tid connection errno) });
unlike $text, qr/"\d/, 'numbers are numbers';
is_object($o, {
    level => 'error', connection => $o->{connection},
    message => qq{open() "$dir/html/nosuch" failed}, errno => 2,
    error => 'No such file or directory', client => '127.0.0.1',
    server => 'main.test', request => 'GET /nosuch?a="b" HTTP/1.1',
    host => 'main.test', referrer => "http://r/\xE9\xE9\x80",
}, 'a file that is missing');
ok $t->wait_log(qr{\[error\] .*: \*\d+ open\(\) "$dir/html/nosuch" failed \(2: No}),
    'the text goes on beside it';

my $nobody = $t->port('nobody');
$t->get('/dead?x');
$o = object(qr/dead/);
is_object($o, {
    level => 'error', connection => $o->{connection}, errno => 111,
    message => 'connect() failed', error => 'Connection refused',
    action => 'connecting to upstream', client => '127.0.0.1',
    server => 'main.test', request => 'GET /dead?x HTTP/1.1',
    upstream => "http://127.0.0.1:$nobody/dead?x", host => 'localhost',
}, 'an upstream that is dead');

# with the same number in both logs
$t->get('/joined');
$o = object(qr/joined/);
my $access = object(qr/joined/, 'access.json');
is "$o->{request_id} $o->{pid}", "$access->{request_id} $access->{pid}",
    'request_id and pid are those of the access log';

$t->get('/sub');
$o = object(qr/nosuchsub/);
is $o->{subrequest}, '/nosuchsub', 'a subrequest';

# ---- lines of a connection ----

$t->raw("GET /a b HTTP/1.1\r\n\r\n");
$o = object(qr/invalid request/);
is_object($o, {
    level => 'info', connection => $o->{connection},
    message => 'client sent invalid request',
    action => 'reading client request line', client => '127.0.0.1',
    server => 'main.test', request => 'GET /a b HTTP/1.1',
}, 'a bad request line');

$t->get('/' . "\xE2\x82\xAC" x 900 . 'end');
$o = object(qr{\xAC\.\.\.|truncated.*true|end});
is $o->{truncated}, JSON::PP::true, 'what is cut says so';
is $o->{host}, 'localhost', '... and has all the same what follows';
unlike $o->{message}, qr/[\x80-\xFF]/, '... and no half character';

# ---- levels and targets ----

$t->get('/plain');
is object(qr/html/, 'plain.json')->{level}, 'error', 'without a level';
$t->get('/crit');
$t->get('/syslog');
my $datagram = '';
vec(my $set = '', fileno $syslog, 1) = 1;
$syslog->recv($datagram, 8000) if select $set, undef, undef, 5;
like $datagram, qr/^<187>.{15} \S+ t: \{"time":/, 'syslog';
$datagram =~ s/^.*? t: //;
is eval { $coder->decode($datagram)->{errno} }, 2, 'syslog: an object';
is $t->read('crit.json'), '', 'level crit has no error';

# ---- processes ----

my $pid = $t->pid;
$o = object(qr/start worker processes/, 'main.json');
is "$o->{level} $o->{pid} $o->{message}",
    "notice $pid start worker processes", 'a line of the master';
is $o->{connection}, undef, '... of no connection';
$t->stop;
for my $log ('main.json', 'all.json') {
    my @bad = grep { !eval { $coder->decode($_) } } $t->log($log);
    is "@bad", '', "$log: each line is an object";
}

# ---- what is refused ----

for (['error_log x json;' => undef], ['error_log stderr warn json;' => undef],
     ['error_log x warn jsonx;' => 'invalid log level "jsonx" in F:1'],
     ['error_log x json warn;' => 'invalid log level "json" in F:1'],
     ['error_log x json json;' => 'invalid log level "json" in F:1'],
     ['error_log x warn error json;' => 'duplicate log level "error" in F:1'])
{
    my ($line, $wanted) = @$_;
    my $r = conf_test("$line\nevents {}\n");
    defined $wanted ? is($r->{first}, $wanted, $line)
                    : is($r->{code}, 0, "$line is accepted");
}

done_testing;
