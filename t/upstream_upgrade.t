# SPDX-License-Identifier: BSD-2-Clause
#
# What an upstream's zone and that of sticky learn have outlives reloads and a
# change of the binary in the middle of them: sessions, drained servers, averages,
# counts, failures, health.  TEST_SOAK=1: a thousand reloads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
my @b = map {
    my $name = $_;
    Weir::Backend->http(sub {
        my ($request) = @_;
        my ($s) = $request->uri =~ /login=(\w+)/;

        select undef, undef, undef, 0.03;
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
            . (defined $s ? "Set-Cookie: sid=$s\r\n" : '') . "\r\n$name";
    })
} 'a' .. 'c';
my ($a, $b, $c) = map { $_->port } @b;
my $dead = $t->port('dead');
my $RELOADS = $ENV{TEST_SOAK} ? 500 : 15; # before the change, and after it

$t->conf(<<"EOC");
%%GLOBALS%%
daemon on;
worker_processes 2;
events {}
http {
    %%GLOBALS_HTTP%%
    upstream u {
        zone u 128k;
        sticky learn create=\$upstream_cookie_sid lookup=\$cookie_sid zone=sid:64k;
        server 127.0.0.1:$a; server 127.0.0.1:$b; server 127.0.0.1:$c;
        server 127.0.0.1:$dead max_fails=1 fail_timeout=1000s;
    }
    upstream timed { zone timed 64k; least_time header; server 127.0.0.1:$a; server 127.0.0.1:$c; }
    upstream checked { zone checked 64k; server 127.0.0.1:$a; server 127.0.0.1:$b; }
    match by_b { body ~ "^b"; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://u; }
        location /timed { proxy_pass http://timed; }
        location /word { return 200 w0; }
        location /checked { proxy_pass http://checked;
                            health_check interval=100ms fails=2 match=by_b; }
        location /api { api write=on; allow 127.0.0.1; deny all; }
    }
}
EOC
(my $text = $t->read('nginx.conf')) =~ s/daemon off;//;
$t->write('nginx.conf', $text);
$t->run;
$t->expect_log(qr/Connection refused|temporarily disabled|peer is unhealthy/);

sub peers { my $u = $_[0] // 'u'; return decode_json($t->get("/api/9/http/upstreams/$u")->body)->{peers} }
sub health { return join ' ', map { $_->{state} } @{ peers('checked') } }
sub with { my ($s) = @_; return $t->get('/', headers => [Cookie => "sid=$s"])->body }

my %of = map { my $s = "s$_"; ($s => $t->get("/?login=$s")->body) } 1 .. 6;
for my $s (sort keys %of) {
    ok wait_until(sub { with($s) eq $of{$s} && with($s) eq $of{$s} }), "session $s";
}
$t->get('/') for 1 .. 8;
$t->request('PATCH', '/api/9/http/upstreams/u/servers/1', body => '{"drain":true}');
$t->request('POST', '/api/9/http/upstreams/u/servers',
            body => encode_json({ server => "127.0.0.1:$a", weight => 2 }));
my $before = peers();
is $before->[1]{state}, 'draining', 'one is drained';
is $before->[3]{state}, 'unavail', 'one has failed';
ok $before->[0]{header_time} >= 20, 'an average is known';

ok wait_until(sub { health() eq 'unhealthy up' }), 'one is not healthy';

# A generation asks once: what was known of health is all that there is.
$text =~ s/interval=100ms/interval=1h/;
$t->write('nginx.conf', $text);

$t->get('/timed') for 1 .. 8;
my $timed;
wait_until(sub {
    $timed = peers('timed');
    return $timed->[0]{responses}{total} + $timed->[1]{responses}{total} == 8;
});
ok $timed->[0]{header_time} >= 20, 'averages of servers that nobody asks any more';

my $words = 0;
sub reload_often {
    my ($master) = @_;

    for (1 .. $RELOADS) {
        my ($before, $word) = ('w' . $words++, "w$words");

        $text =~ s/return 200 $before;/return 200 $word;/;
        $t->write('nginx.conf', $text);
        $t->signal('HUP', $master);
        wait_until(sub { $t->get('/word')->body eq $word }) or return 0;
        my $s = 's' . ($words % 6 + 1);
        return 0 if with($s) ne $of{$s};
    }
    return 1;
}

ok reload_often($t->pid), "$RELOADS reloads: each session stays where it is";

my $old = $t->pid;
$t->signal('USR2', $old);
my $new = $t->new_pid($old);
ok $new, 'a new binary';
ok wait_until(sub { Weir::Test::children($new) == 2 }), '... with its workers';
$t->signal('QUIT', $old);
ok wait_until(sub { Weir::Test::slurp("/proc/$old/stat") !~ /\) [^ZX] / }), 'the old one ends';

ok reload_often($new), "$RELOADS reloads of the new one";
is_deeply [map { [@$_{qw(header_time response_time requests)}] } @{ peers('timed') }],
    [map { [@$_{qw(header_time response_time requests)}] } @$timed], 'averages are as they were';
is scalar(grep { /peer is (?:un)?healthy/ } $t->log), 1, 'nobody had to find out again what is healthy';
is $t->request('POST', '/api/9/http/upstreams/u/servers', body => encode_json({ server => "127.0.0.1:$c" }))->status,
    201, 'the zone has room for more';

my $after = peers();
is_deeply [map { $_->{state} } @$after[0 .. 4]], [map { $_->{state} } @$before], 'the same states';
is scalar @$after, 6, 'the servers that were added';
ok $after->[0]{header_time} >= 20, 'the average';
ok $after->[0]{requests} >= $before->[0]{requests}, 'the requests';
is $after->[3]{fails}, $before->[3]{fails}, 'the failures';
is health(), 'unhealthy up', 'the health';
is $t->get('/checked')->body, 'b', '... which counts' for 1 .. 3;
is join(' ', map { with($_) } sort keys %of), join(' ', map { $of{$_} } sort keys %of), 'the sessions';
unlike join('', map { $t->get('/')->body } 1 .. 8), qr/b/, 'nobody new comes to the drained one';

$t->signal('QUIT', $new);
wait_until(sub { Weir::Test::slurp("/proc/$new/stat") !~ /\) [^ZX] / });
$t->forget_server;

done_testing;
