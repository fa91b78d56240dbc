# SPDX-License-Identifier: BSD-2-Clause
#
# Servers of upstream that are names: looked up while requests are served, by
# resolve and without it, as their name servers answer, fail, change their minds
# and come back.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::DNS;
use Weir::Test;

need_version('1.27.3');

my $t = Weir::Test->new;
my $dns = Weir::DNS->new($t);
my $second = Weir::DNS->new($t);
my $dead = Weir::Ports::free_port();

# The same port on several addresses of this machine.
my $up = Weir::Ports::free_port();
my %backend = map {
    my $n = $_;
    ($n => Weir::Backend->http(sub {
        sleep 1 if $_[0]->uri =~ /slow/;
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$n";
    }, host => "127.0.0.$n", port => $up));
} 1, 2, 3;

my $a = 'A 60 127.0.0.1';
$dns->set(
    'one.test' => [$a],
    'two.test' => [$a, 'A 60 127.0.0.2'],
    'short.test' => ['A 1 127.0.0.1'],
    'zero.test' => ['A 0 127.0.0.1'],
    'huge.test' => ['A 2147483647 127.0.0.1'],
    'alias.test' => ['CNAME 60 alias2.test'],
    'alias2.test' => ['CNAME 60 one.test'],
    'loop.test' => ['CNAME 60 loop2.test'],
    'loop2.test' => ['CNAME 60 loop.test'],
    'fail.test' => ['rcode 2'],
    'silent.test' => ['silent'],
    'half.test' => [$a, 'AAAA rcode 2'],
    'long.test' => ['truncated', $a],
    'docker.test' => ['A 600 127.0.0.1'],
    'during.test' => ['A 1 127.0.0.1'],
    'keep.test' => ['A 1 127.0.0.2'],
    'first.test' => ['rcode 2'],
    '_web._tcp.srv.test' => ["SRV 1 10 3 $up h1.test", "SRV 1 10 1 $up h2.test",
                             "SRV 1 20 1 $up h3.test"],
    'any.dots.srv.test' => ["SRV 60 1 0 $up h3.test"],
    (map { ("h$_.test" => ["A 60 127.0.0.$_"]) } 1 .. 3),
);
$second->set('first.test' => [$a], 'moved.test' => [$a]);

my @names = qw(one two short zero huge alias loop fail silent half long docker
               during keep);
my $groups = join '', map { <<"EOC" } @names;
    upstream $_ { zone $_ 64k; server $_.test:$up resolve; }
EOC

$t->run(<<"EOC");
%%HTTP%%
    resolver @{[ $dns->address ]};
    resolver_timeout 1s;
    add_header X-Addr \$upstream_addr always;
$groups
    upstream srv { zone srv 64k; server srv.test resolve service=web; }
    upstream dots { zone dots 64k; server srv.test resolve service=any.dots; }
    upstream both { zone both 64k; server late.test:$up resolve;
                    server 127.0.0.3:$up backup; }
    upstream ring { zone ring 64k; hash \$arg_k consistent;
                    server late2.test:$up resolve; }
    upstream first { zone first 64k;
        resolver @{[ $dns->address ]} @{[ $second->address ]};
        server first.test:$up resolve; }
    upstream moved { zone moved 64k; resolver 127.0.0.1:$dead
        @{[ $second->address ]}; server moved.test:$up resolve; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_connect_timeout 2s;
        location ~ ^/(?<group>\\w+) { proxy_pass http://\$group; }
    }
}
EOC

sub ask { return $t->get("/$_[0]") }
sub body { return ask(@_)->body }
sub settles {
    my ($group, $wanted) = @_;
    return wait_until(sub { body($group) eq $wanted });
}

# The longer a name has failed, the later it is asked for again: these come soon.
is body('both'), 3, 'no address so far: the backup';
$dns->set('late.test' => ['A 60 127.0.0.2'], 'late2.test' => ['A 60 127.0.0.2']);

# ---- kinds of answers

for my $name (qw(one short huge alias half long)) {
    ok settles($name, 1), $name;
}
is join('', sort map { body('two') } 1 .. 4), '1122', 'two addresses';
cmp_ok $dns->asked('long.test', 'A tcp'), '>=', 1, 'truncated: over TCP';
ok settles('zero', 1), 'TTL 0';
for my $name (qw(loop fail silent)) {
    my $r = ask($name);
    is $r->status, 502, "$name: 502";
    is $r->header('X-Addr'), $name, "$name: no address";
}
ok $t->wait_log(qr/fail\.test could not be resolved \(2: Server failure\)/),
    'is logged';
cmp_ok $dns->asked('loop.test') + $dns->asked('loop2.test'), '<', 200,
    'aliases in a circle end';

# ---- services

ok settles('keep', 2), 'a name that will be gone';
$dns->set('keep.test' => undef);
my $gone = time;
ok settles('srv', 1), 'SRV';
my %n;
$n{ body('srv') }++ for 1 .. 8;
is_deeply \%n, { 1 => 6, 2 => 2 }, 'with the weights of the records';
ok settles('dots', 3), 'a service with dots';
$dns->set('_web._tcp.srv.test' => ["SRV 1 20 1 $up h3.test"]);
ok settles('srv', 3), 'other records';

# ---- changes

$dns->set('short.test' => ['A 1 127.0.0.2']);
ok settles('short', 2), 'another address, found by the TTL';
sleep 0.1 while time < $gone + 2.2;
is body('keep'), 2, 'no such name any more: what was known is kept';
$dns->set('keep.test' => ['A 1 127.0.0.3']);
ok settles('keep', 3), 'until there is an answer';

my $c = $t->connect;
$c->send("GET /during/slow HTTP/1.1\r\nHost: a\r\n\r\n");
$dns->set('during.test' => ['A 1 127.0.0.2']);
is $c->read_response->body, 1, 'a request that is under way stays';
ok settles('during', 2), 'others see the change';

ok settles('both', 2), 'a name that comes later';
ok settles('ring', 2), 'with a consistent hash, too';

# ---- name servers

SKIP: {
    skip 'nginx takes turns', 1 if is_oracle();
    ok settles('first', 1), 'a name server that fails is left for the next one';
}
ok settles('moved', 1), 'one that is not there';

$second->stop;
$t->reload;
SKIP: {
    skip 'nginx begins anew', 1 if is_oracle();
    is body('moved'), 1, 'a reload without name servers keeps addresses';
}
$second->start;

# Docker: a long TTL, and a container that comes back elsewhere.
SKIP: {
    skip 'nginx waits for the TTL', 2 if is_oracle();
    is body('docker'), 1, 'a container';
    $dns->set('docker.test' => ['A 600 127.0.0.2']);
    $backend{1}->stop;
    is body('docker') =~ /^\d$/ ? 'another' : ask('docker')->status && 'failed',
        'failed', 'is gone';
    ok settles('docker', 2), 'and found elsewhere';
    my @to = grep { /docker\.test is 127\.0\.0\.2/ } $t->log;
    is scalar(@to) > 0, 1, 'which is logged';
    $backend{1}->start;
}

# A name server that was away.
$dns->set('short.test' => ['A 1 127.0.0.3']);
$dns->stop;
sleep 2.2;
like body('short'), qr/^\d$/, 'no name server: addresses are kept';
$dns->start;
ok settles('short', 3), 'it is found again';

$t->stop;

# ---- without resolve, and at the start

SKIP: {
    skip 'of weir only', 8 if is_oracle();

    my $r = conf_test("events { }\nhttp {\nserver { listen 127.0.0.1:"
        . Weir::Ports::free_port() . ";\n"
        . "location / { proxy_pass http://nosuch.invalid; } }\n}\n");
    is $r->{code}, 0, 'a name that nobody knows';
    is $r->{lines}[0],
        'nginx: [warn] host not found in upstream "nosuch.invalid" in F:4',
        'is a warning';
    for my $fixed ('upstream_resolve off;', 'upstream_unresolved emerg;') {
        $r = conf_test("events { }\nhttp { $fixed\nupstream a {\n"
                       . "server nosuch.invalid; }\n}\n");
        is "$r->{code} $r->{lines}[0]", '1 nginx: [emerg] host not found in '
            . 'upstream "nosuch.invalid" in F:4', "$fixed an error";
    }

    my $u = Weir::Test->new;
    $dns->set('plain.test' => undef);
    $u->run(<<"EOC");
%%HTTP%%
    resolver @{[ $dns->address ]};
    log_format cause '\$uri \$upstream_error';
    access_log @{[ $u->path("cause.log") ]} cause;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://plain.test:$up; }
        location /local { proxy_pass http://localhost:$up; }
    }
}
EOC
    is $u->get('/')->status, 502, 'without resolve: not known';
    ok wait_until(sub { $u->read('cause.log') =~ m{^/ dns$}m }), 'the cause';
    $dns->set('plain.test' => ['A 60 127.0.0.2']);
    ok wait_until(sub { $u->get('/')->body eq 2 }), 'then it is';
    is $u->get('/local')->body, 1, 'a name of the hosts file';
}

done_testing;
