# SPDX-License-Identifier: BSD-2-Clause
#
# access_log: gzip, syslog, names with variables that cannot be followed, the
# cache of open files, the default log, and what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use Weir::Test;

my $t = Weir::Test->new;
$t->mkdir($_) for qw(by html);
chmod 0777, $t->path('by');
my $syslog = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "socket: $!\n";
my $port = $syslog->sockport;
$t->run(<<"EOC");
%%HTTP%%
    default_type text/plain;
    root %%TESTDIR%%/html;
    log_format short "\$uri";
    log_format odd '\$\{uri\} "\$arg_a" \$remote_user\$arg_none';
    log_format none_at_all "";
    server {
        listen 127.0.0.1:%%PORT%%;
        location /gzip { access_log %%TESTDIR%%/log.gz short gzip flush=200ms; return 200 x; }
        location /gzip9 { access_log %%TESTDIR%%/log9.gz short gzip=9 buffer=1k; return 200 x; }
        location /syslog { access_log syslog:server=127.0.0.1:$port,tag=weir,facility=local3,severity=notice short; return 200 x; }
        location /missing { access_log %%TESTDIR%%/by/missing/\$arg_n short; return 200 x; }
        location /noroot { root %%TESTDIR%%/nowhere; access_log %%TESTDIR%%/by/noroot\$arg_n short; return 200 x; }
        location /valid { open_log_file_cache max=2 valid=1s inactive=10s; access_log %%TESTDIR%%/by/valid\$arg_n short; return 200 x; }
        location /uses { open_log_file_cache max=2 min_uses=2; access_log %%TESTDIR%%/by/uses\$arg_n short; return 200 x; }
        location /odd { access_log %%TESTDIR%%/odd.log odd; return 200 x; }
        location /nothing { access_log %%TESTDIR%%/nothing.log none_at_all; return 200 x; }
        location /offwins { access_log off; access_log %%TESTDIR%%/offwins.log short; return 200 x; }
        location /if { access_log %%TESTDIR%%/if.log short if=\$arg_a\$arg_b; return 200 x; }
        location /inif { access_log %%TESTDIR%%/inif.log short; if (\$arg_a) { access_log off; } return 200 x; }
        location /except { limit_except GET { access_log %%TESTDIR%%/except.log short; } access_log %%TESTDIR%%/get.log short; return 200 x; }
    }
    server { listen 127.0.0.1:%%PORT_buffered%%; access_log %%TESTDIR%%/shared.log short buffer=4k flush=100ms;
             location /a { return 200 a; } location /b { access_log %%TESTDIR%%/shared.log short buffer=4k flush=100ms; return 200 b; } }
}
EOC

sub lines {
    my ($name, $count) = @_;

    wait_until(sub { $t->log($name) >= $count });
    return $t->log($name);
}

# ---- gzip ----

sub unzipped {
    my ($name) = @_;
    my $bytes = $t->read($name) // '';

    gunzip(\$bytes, \my $out, MultiStream => 1);
    return $out // '';
}

$t->get("/gzip/$_") for 1, 2;
ok wait_until(sub { unzipped('log.gz') eq "/gzip/1\n/gzip/2\n" }), 'gzip';
$t->get('/gzip/3');
ok wait_until(sub { unzipped('log.gz') eq "/gzip/1\n/gzip/2\n/gzip/3\n" }),
    'gzip: another member';
$t->get("/gzip9/$_/" . 'x' x 50) for 1 .. 30;
ok wait_until(sub { unzipped('log9.gz') =~ m{^/gzip9/1/x+\n/gzip9/2/x+\n} }),
    'gzip: a full buffer';

# ---- syslog ----

$t->get('/syslog');
my $datagram = '';
vec(my $set = '', fileno $syslog, 1) = 1;
$syslog->recv($datagram, 2000) if select $set, undef, undef, slow_seconds();
like $datagram, qr{^<157>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ weir: /syslog$},
    'syslog';

sub slow_seconds { return 5 * ($ENV{TEST_SLOW} || 1) }

# ---- names with variables ----

$t->get('/missing?n=1');
ok $t->wait_log(qr{\[crit\] .* open\(\) "\Q${\ $t->path('by/missing/1')}\E" failed \(2: .*\) while logging request, client:}),
    'a folder that is not there';
$t->expect_log(qr/\[crit\] .* open\(\)/);
$t->get('/noroot?n=1');
ok $t->wait_log(qr{\[error\] .* testing "\Q${\ $t->path('nowhere')}\E" existence failed}),
    'a root that is not there';
ok !-e $t->path('by/noroot1'), '... nothing is written';

$t->get('/valid?n=1');
lines('by/valid1', 1);
rename $t->path('by/valid1'), $t->path('by/old');
$t->get('/valid?n=1');
is scalar(lines('by/old', 2)), 2, 'a renamed file is still written to';
select undef, undef, undef, 1.2;
$t->get('/valid?n=1') for 1, 2; # one may get lost
ok scalar(lines('by/valid1', 1)) >= 1, '... until its time is over';
$t->expect_log(qr/\[crit\] .* stat\(\)/);
$t->get("/valid?n=$_") for 2 .. 5, 2;
is scalar(lines('by/valid2', 2)), 2, 'more files than the cache holds';

# what cannot be opened does not take the place of what is
$t->get('/valid?n=6');
lines('by/valid6', 1);
rename $t->path('by/valid6'), $t->path('by/kept');
$t->expect_log(qr/\[crit\] .* open\(\) "\S+none/);
$t->get("/valid?n=6/none$_") for 1 .. 3;
$t->get('/valid?n=6');
is scalar(lines('by/kept', 2)), 2, 'logs that cannot be opened take no place';
$t->get('/uses?n=1');
lines('by/uses1', 1);
rename $t->path('by/uses1'), $t->path('by/uses.old');
$t->get('/uses?n=1');
is scalar(lines('by/uses1', 1)), 1, 'min_uses: the first is not kept open';

# ---- formats and conditions ----

$t->get('/odd?a=%22');
$t->get('/odd?a=');
$t->get('/odd');
is_deeply [lines('odd.log', 3)], ['/odd "%22" --', '/odd "" --', '/odd "-" --'],
    'dashes stand for what is not there';
$t->get('/nothing') for 1, 2;
ok wait_until(sub { $t->read('nothing.log') eq "\n\n" }), 'a format of nothing';
$t->get('/offwins');
$t->get("/if$_") for '?a=0', '?b=0', '?a=0&b=0', '?a=x', '';
is scalar(lines('if.log', 2)), 2, 'if= over two variables';
is $t->read('offwins.log'), '', 'off wins';
$t->get('/inif?a=1');
$t->get('/inif');
is scalar(lines('inif.log', 1)), 1, 'in an if block';
$t->get('/except');
$t->post('/except', 'x');
is scalar(lines('except.log', 1)), 1, 'in limit_except';
is scalar(lines('get.log', 1)), 1, '... and outside';
$t->get($_, port => 'buffered') for '/a', '/b', '/a';
is_deeply [lines('shared.log', 3)], ['/a', '/b', '/a'], 'one buffer for a file';

# ---- what is refused ----

my @errors = (
    'log_format a;' => 'invalid number of arguments in "log_format" directive in F:3',
    'log_format a "$";' => 'invalid parameter "$" in F:3',
    'log_format a "x$-y";' => 'invalid parameter "$-y" in F:3',
    'log_format a "${uri";'
        => 'the closing bracket in "uri" variable is missing in F:3',
    'log_format a escape=xml "x";' => 'unknown log format escaping "xml" in F:3',
    'log_format a "$nosuch";' => 'unknown "nosuch" variable',
    'access_log off x;' => 'invalid parameter "x" in F:3',
    'access_log a.log combined buffer=0;' => 'invalid buffer size "0" in F:3',
    'access_log a.log combined buffer=x;' => 'invalid buffer size "x" in F:3',
    'access_log a.log combined buffer=1k flush=0;'
        => 'invalid flush time "0" in F:3',
    'access_log a.log combined flush=1s;'
        => 'no buffer is defined for access_log "a.log" in F:3',
    'access_log a.log combined gzip=10;' => 'invalid compression level "10" in F:3',
    'access_log a.log combined gzip=0;' => 'invalid compression level "0" in F:3',
    'access_log a.log combined if=;' => undef,
    'access_log a$uri.log combined buffer=1k;'
        => 'buffered logs cannot have variables in name in F:3',
    'access_log syslog:server=127.0.0.1 combined buffer=1k;'
        => 'logs to syslog cannot be buffered in F:3',
    'access_log a.log combined buffer=1k; access_log a.log combined buffer=2k;'
        => 'access_log "a.log" already defined with conflicting parameters in F:3',
    'access_log a.log $uri;' => 'unknown log format "$uri" in F:3',
    'open_log_file_cache max=0;'
        => '"open_log_file_cache" must have "max" parameter in F:3',
    'open_log_file_cache max=x;'
        => 'invalid "open_log_file_cache" parameter "max=x" in F:3',
    'open_log_file_cache inactive=1s;'
        => '"open_log_file_cache" must have "max" parameter in F:3',
    'open_log_file_cache max=1 x=1;'
        => 'invalid "open_log_file_cache" parameter "x=1" in F:3',
    'open_log_file_cache max=1 valid=x;'
        => 'invalid "open_log_file_cache" parameter "valid=x" in F:3',
);
while (my ($line, $wanted) = splice @errors, 0, 2) {
    my $r = conf_test("events {}\nhttp {\n$line\n}\n");
    defined $wanted ? is($r->{first}, $wanted, $line)
                    : is($r->{code}, 0, "$line is accepted");
}

# ---- the default log ----

for (['server { listen 127.0.0.1:%%PORT%%; }' => 1, 'made for a server'],
     ['access_log off; server { listen 127.0.0.1:%%PORT%%; }' => 0, 'not with off'],
     ['access_log %%TESTDIR%%/a.log; server { listen 127.0.0.1:%%PORT%%; }' => 0,
      'not with another'],
     ['server { listen 127.0.0.1:%%PORT%%; access_log off; location / { } }' => 0,
      'not with off in the server']) {
    my ($lines, $is_there, $what) = @$_;
    my $r = Weir::Test->new;
    $r->mkdir('logs');
    $r->mkdir('tmp');
    my $folders = join ' ', map { "${_}_temp_path tmp/$_;" }
        qw(client_body proxy);
    my $conf = conf_test("pid x.pid; events {}\nhttp { $folders $lines }\n",
                         test => $r);
    is $conf->{code}, 0, "a configuration: $what" or diag $conf->{err};
    next if $is_there && is_oracle(); # it may be built for another place
    my @made = grep { -e } map { $r->path($_) } 'logs/access.log';
    is scalar(@made), $is_there, "the default log: $what";
}

done_testing;
