# SPDX-License-Identifier: BSD-2-Clause
#
# access_log PATH json: the built-in format, whatever bytes arrive; and a
# log_format of that name, which takes its place.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP;
use Weir::Test;

# ---- a log_format named json ----

my $own = Weir::Test->new;
$own->run(<<'EOC');
%%HTTP%%
    log_format json escape=json '{"u": "$uri"}';
    access_log %%TESTDIR%%/own.log json;
    server { listen 127.0.0.1:%%PORT%%; location / { return 204; } }
}
EOC
$own->get('/a');
wait_until(sub { $own->log('own.log') });
is +($own->log('own.log'))[0], '{"u": "/a"}', 'log_format json';
$own->stop;
my $twice = conf_test("events {}\nhttp {\nlog_format json a;\nlog_format json b;\n}\n");
is $twice->{first}, 'duplicate "log_format" name "json" in F:4', 'but not twice';

if (is_oracle()) {
    done_testing;
    exit;
}

# ---- the built-in one ----

my $backend = Weir::Backend->http(sub {
    return "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
});
my $up = $backend->port;
my $syslog = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "socket: $!\n";
my $port = $syslog->sockport;
my $t = Weir::Test->new;
my $nobody = $t->port('nobody');
$t->run(<<"EOC");
%%HTTP%%
    access_log %%TESTDIR%%/json.log json;
    map \$arg_log \$wanted { no 0; default 1; }
    upstream both { server 127.0.0.1:$nobody; server 127.0.0.1:$up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        server_name main.test;
        location / { return 200 ok; }
        location /if { access_log %%TESTDIR%%/if.log json if=\$wanted; return 204; }
        location /one { proxy_pass http://127.0.0.1:$up; }
        location /two { proxy_pass http://both; }
        location /dead { proxy_pass http://127.0.0.1:$nobody; }
        location /gzip { access_log %%TESTDIR%%/log.gz json gzip=3 flush=1m; return 204; }
        location /syslog { access_log syslog:server=127.0.0.1:$port,tag=t json; return 204; }
        location /inside { error_page 404 = /else; return 404; }
    }
}
EOC

my $coder = JSON::PP->new->utf8; # refuses what is not UTF-8
my $n = 0;

# next_object(): reads the next line of json.log.
sub next_object {
    my $line = next_line();
    my $o = eval { $coder->decode($line) };

    diag "$@: $line" if !$o;
    return $o // {};
}

sub next_line {
    wait_until(sub { $t->log('json.log') > $n });
    return +($t->log('json.log'))[$n++] // '';
}

my $c = $t->connect;
my $r = $c->request('GET', '/x/../a%20b?q="1"', host => 'main.test:80', headers => [
    'User-Agent' => 'agent "1"', Referer => 'http://r/',
    Authorization => 'Basic dXNlcjpwdw==', 'X-Forwarded-For' => '1.2.3.4, ::1']);
my $line = next_line();
like $line, qr/^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d","remote_addr":/,
    'the time comes first';
like $line, qr/"$_":\d+[,}]/, "$_ is a number"
    for qw(remote_port connection connection_requests status request_length
           bytes_sent body_bytes_sent);
like $line, qr/"request_time":\d+\.\d{3},/, 'request_time is a number';
my $o = $coder->decode($line);
like $o->{request_id}, qr/^[\da-f]{32}$/, 'request_id';
is delete $o->{pid}, join(' ', $t->worker_pids), 'pid';
delete @$o{qw(time remote_port connection request_id request_time)};
cmp_ok delete $o->{request_length}, '>', 100, 'request_length';
is_deeply $o, {
    remote_addr => '127.0.0.1', remote_user => 'user',
    connection_requests => 1, scheme => 'http', host => 'main.test',
    server_name => 'main.test', method => 'GET',
    target => '/x/../a%20b?q="1"', uri => '/a b', protocol => 'HTTP/1.1',
    status => 200, complete => JSON::PP::true, bytes_sent => length $r->raw,
    body_bytes_sent => 2, referer => 'http://r/', user_agent => 'agent "1"',
    forwarded_for => '1.2.3.4, ::1',
}, 'the rest';

$c->get('/inside');
$o = next_object();
is "@$o{qw(connection_requests target uri status)}", '2 /inside /else 200',
    'a redirect inside';
is_deeply [grep { exists $o->{$_} } qw(referer user_agent remote_user request
           upstream_addr upstream_status upstream_cache_status)], [],
    'what is not there is left out';

# ---- upstreams ----

$t->get('/one');
$line = next_line();
like $line, qr/"upstream_addr":"127\.0\.0\.1:$up","upstream_status":201,
    "upstream_connect_time":\d+\.\d{3},"upstream_header_time":\d+\.\d{3},
    "upstream_response_time":\d+\.\d{3},"upstream_bytes_sent":\d\d+,
    "upstream_bytes_received":\d\d+\}$/x, 'one try: values';
$t->get('/two');
$line = next_line();
$line = next_line() if $line !~ /\[/; # the dead one may come second
$line = do { $t->get('/two'); next_line() } if $line !~ /\[/;
like $line, qr/"upstream_addr":\["127\.0\.0\.1:$nobody","127\.0\.0\.1:$up"\],
    "upstream_status":\[502,201\],"upstream_connect_time":\[null,\d+\.\d{3}\],
    "upstream_header_time":\[null,\d+\.\d{3}\],
    "upstream_response_time":\[\d+\.\d{3},\d+\.\d{3}\],/x, 'two tries: lists';
$t->expect_log(qr/connect\(\) failed/);
$t->get('/dead');
$o = next_object();
is "$o->{upstream_addr} $o->{upstream_status}", "127.0.0.1:$nobody 502",
    'an upstream that is dead';
is exists $o->{upstream_header_time}, '', '... has no time of a header';

# ---- whatever bytes arrive ----

sub agent_of {
    my ($bytes) = @_;

    $t->get('/', headers => ['User-Agent' => $bytes]);
    return next_line() =~ /"user_agent":"(.*)"\}$/ ? $1 : undef;
}

is agent_of("a\\\"\tb\x01/\x7F"), 'a\\\\\"\tb\u0001/\u007F', 'escapes';
is agent_of("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
    "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 'UTF-8 stays';
is agent_of("\xE9t\xE9 \xC3 \xC0\xAF \xED\xA0\x80"),
    '\u00E9t\u00E9 \u00C3 \u00C0\u00AF \u00ED\u00A0\u0080',
    'what is not UTF-8 is escaped byte by byte';
is agent_of("\xC2\x9B31m"), '\u009B31m', 'and so are what terminals obey';
my $all = join '', map { chr } grep { !/^(?:0|10|13)$/ } 1 .. 255;
$t->get('/', headers => ['User-Agent' => "x${all}x", Referer => $all]);
$o = next_object();
is $o->{user_agent}, "x${all}x", 'all bytes, read back as Latin-1';

$t->raw("bad\x02\xFE\r\n\r\n");
$o = next_object();
is "$o->{status} $o->{request}", "400 bad\x02\xFE", 'what is not HTTP';
is exists $o->{method}, '', '... has no method';
$t->raw("GET /\xFF\" HTTP/1.0\r\nHost: b\"\r\n\r\n");
is next_object()->{target}, "/\xFF\"", 'a bad Host';
$t->raw("GET /old\r\n");
$o = next_object();
is "$o->{target} $o->{status}", '/old 200', 'HTTP/0.9';
is exists $o->{protocol}, '', '... names no protocol';

# ---- with the parameters of other formats ----

$t->get("/if?log=$_") for qw(no yes);
wait_until(sub { $t->log('if.log') });
is_deeply [map { $coder->decode($_)->{target} } $t->log('if.log')],
    ['/if?log=yes'], 'if=';
$t->get('/syslog');
my $datagram = '';
vec(my $set = '', fileno $syslog, 1) = 1;
$syslog->recv($datagram, 8000) if select $set, undef, undef, 5;
like $datagram, qr/^<190>.{15} \S+ t: \{"time":.*"status":204.*\}$/, 'syslog';
$t->get("/gzip/$_") for 1, 2;
$t->stop;
my $bytes = $t->read('log.gz');
gunzip(\$bytes, \my $text, MultiStream => 1);
is_deeply [map { $coder->decode($_)->{uri} } split /\n/, $text // ''],
    ['/gzip/1', '/gzip/2'], 'gzip';

# ---- a log_format that comes later ----

my $late = Weir::Test->new;
$late->run(<<'EOC');
%%HTTP%%
    access_log %%TESTDIR%%/late.log json;
    log_format json '[$uri]';
    server { listen 127.0.0.1:%%PORT%%; location / { return 204; } }
}
EOC
$late->get('/a');
wait_until(sub { $late->log('late.log') });
is +($late->log('late.log'))[0], '[/a]', 'also behind the access_log';

done_testing;
