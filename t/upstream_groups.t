# SPDX-License-Identifier: BSD-2-Clause
#
# Upstreams within upstreams: shares, clients that stay, failures that go on to
# another group, and what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();

my $t = Weir::Test->new;
my $backends = join '', map { <<"EOC" } 'a' .. 'd';
    server { listen 127.0.0.1:%%PORT_$_%%; access_log off; location / { return 200 $_; }
             location /500 { return 500; } location /only-d { return @{[$_ eq 'd' ? 200 : 500]} $_; } }
EOC

sub conf {
    my ($word) = @_;

    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
events {}
http {
    %%GLOBALS_HTTP%%
    $backends
    upstream canary { zone canary 64k; server \@blue weight=9; server \@green; }
    upstream blue { zone blue 64k; server 127.0.0.1:%%PORT_a%%; server 127.0.0.1:%%PORT_b%%; }
    upstream green { zone green 64k; server 127.0.0.1:%%PORT_c%%; server 127.0.0.1:%%PORT_d%%; }
    upstream sticky { zone sticky 64k; sticky cookie group; server \@blue route=blue; server \@inner route=green; }
    upstream inner { zone inner 64k; sticky cookie server; server 127.0.0.1:%%PORT_c%% route=c; server 127.0.0.1:%%PORT_d%% route=d; }
    upstream failing { zone f 64k; server \@dead; server \@green; }
    upstream dead { zone dead 64k; server 127.0.0.1:%%PORT_dead%%; server 127.0.0.1:%%PORT_dead2%%; }
    upstream single { zone s 64k; server \@one max_fails=0; server \@green max_fails=0; }
    upstream one { server 127.0.0.1:%%PORT_dead%%; }
    upstream spare { zone spare 64k; server \@dead; server \@green backup; }
    upstream outer { zone outer 64k; server \@canary; server 127.0.0.1:%%PORT_dead%% backup; }
    upstream limited { zone limited 64k; server \@one_conn; server \@green backup; }
    upstream one_conn { zone oc 64k; server 127.0.0.1:%%PORT_a%% max_conns=1; }
    upstream all { least_conn; zone all 64k; server \@blue; server \@green; }
    add_header X-Tried \$upstream_addr always;
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_next_upstream error timeout http_500;
        location = /word { return 200 $word; }
        location / { proxy_pass http://\$arg_u; }
        location /canary { proxy_pass http://canary; }
    }
}
EOC
}
$t->run(conf('w0'));
$t->expect_log(qr/Connection refused|temporarily disabled|no live upstreams/);

sub ask {
    my ($u, $cookie, $uri) = @_;

    return $t->get(($uri // '/') . "?u=$u", $cookie ? (headers => [Cookie => $cookie]) : ());
}

sub count { my ($n, @a) = @_; my %n; $n{ ask(@a)->body }++ for 1 .. $n; return \%n }

is_deeply count(40, 'canary'), { a => 18, b => 18, c => 2, d => 2 }, 'shares, in two workers';
is_deeply count(20, 'outer'), { a => 9, b => 9, c => 1, d => 1 }, 'three levels';
is_deeply count(8, 'all'), { a => 2, b => 2, c => 2, d => 2 }, 'another balancer';

# sticky
my $r;
for (1 .. 8) { $r = ask('sticky'); last if $r->body =~ /[cd]/ }
my @cookies = $r->headers('Set-Cookie');
is "@cookies", 'group=green server=' . $r->body, 'a cookie of each group';
my $body = $r->body;
my $cookie = "group=green; server=$body";
is_deeply count(10, 'sticky', $cookie), { $body => 10 }, 'the client stays';
is_deeply count(10, 'sticky', 'group=blue'), { a => 5, b => 5 }, 'in the group that has no cookie of its own, too';
for my $n (1 .. 3) {
    $t->conf(conf("w$n"));
    $t->signal('HUP');
    wait_until(sub { $t->get('/word')->body eq "w$n" });
}
is_deeply count(10, 'sticky', $cookie), { $body => 10 }, '... through reloads';

# failures
for my $n (1 .. 4) {
    like ask('failing')->body, qr/^[cd]$/, 'another group is asked when one fails';
}
$r = ask('single');
$r = ask('single') if $r->header('X-Tried') !~ /,/;
like $r->body, qr/^[cd]$/, 'a group of one server fails';
is scalar(my @tried = split /, /, $r->header('X-Tried')), 2, '... and is asked once';
like ask('spare')->body, qr/^[cd]$/, 'a group as a backup' for 1 .. 3;
$r = ask('canary', undef, '/only-d');
is $r->status . $r->body, '200d', 'all servers of all groups are asked';
like ask('canary', undef, '/500')->status, qr/^50[02]$/, 'all fail';

# the number of connections of a group within
$t->write('slow', 'x' x 10);
is ask('limited')->body, 'a', 'there is room';

# what is refused
for my $p (
    ['upstream a { server @b; }', 'no upstream "b" for server "@b" in F:1'],
    ['upstream a { server @a; }', 'upstream "a" contains itself in F:1'],
    ['upstream a { server @b; } upstream b { server @c; } upstream c { server @a; server 127.0.0.1; }',
     'upstream "a" contains itself in F:1'],
    ['upstream a { server @b resolve; } upstream b { server 127.0.0.1; }', 'server "@b" has no name to resolve in F:1'],
    [join('', map { my $n = $_ + 1; "upstream u$_ { server \@u$n; }" } 1 .. 9) . 'upstream u10 { server 127.0.0.1; }',
     'more than 8 upstreams are one within the other in F:1'],
    ['upstream u { server @; }', 'host not found in upstream "@" in F:1'],
) {
    is conf_test("events {} http { $p->[0] }")->{first}, $p->[1], substr $p->[0], 0, 60;
}
is conf_test("events {} http { @{[join '', map { my $n = $_ + 1; qq[upstream u$_ { server \@u$n; }] } 1 .. 7]} upstream u8 { server 127.0.0.1; } }")->{code},
    0, 'eight';

done_testing;
