# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_upgrade: upgrades that pass without proxy_set_header, and those that do
# not; proxy_upgrade_timeout; and connections that an upstream closes after a
# time that it has told (Keep-Alive: timeout=N).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

plan skip_all => 'nginx has none of this' if is_oracle();

# Agrees to everything, and says what it was asked for.
my $backend = Weir::Backend->tcp(sub {
    my ($c, $n) = ($_[-2], $_[-1]);

    while (my $request = Weir::Backend::read_request($c)) {
        my $got = join '|', map { $request->header($_) // '-' } qw(Upgrade Connection);

        if ($request->uri !~ /\bup/ || !defined $request->header('Upgrade')) {
            my ($keep) = $request->uri =~ /keep=([^&]+)/;
            $c->send("HTTP/1.1 200 OK\r\n" . (defined $keep ? "Keep-Alive: $keep\r\n" : '')
                     . "X-Got: $got\r\nContent-Length: " . length($n) . "\r\n\r\n$n");
            next;
        }
        $c->send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\n"
                 . "Upgrade: test\r\nX-Got: $got\r\n\r\n");
        while (defined(my $line = $c->read_until(qr/\n/))) {
            return if $line !~ /\n/;
            $c->send(uc $line);
        }
        return;
    }
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->run(<<"EOC");
%%HTTP%%
    upstream kept { server 127.0.0.1:$up; keepalive 8; }
    upstream brief { server 127.0.0.1:$up; keepalive 8; keepalive_timeout 1s; }
    server {
        listen 127.0.0.1:%%PORT%%;
        proxy_read_timeout 300ms;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /off { proxy_upgrade off; proxy_pass http://127.0.0.1:$up/up; }
        location /own { proxy_set_header Connection ""; proxy_pass http://127.0.0.1:$up/up; }
        location /on { proxy_upgrade on; proxy_set_header Connection close; proxy_set_header Upgrade other;
                       proxy_pass http://127.0.0.1:$up/up; }
        location /10 { proxy_http_version 1.0; proxy_pass http://127.0.0.1:$up/up; }
        location /long { proxy_upgrade_timeout 20s; proxy_pass http://127.0.0.1:$up/up; }
        location /short { proxy_read_timeout 20s; proxy_upgrade_timeout 200ms; proxy_pass http://127.0.0.1:$up/up; }
        location /keep { proxy_pass http://kept; }
        location /brief { proxy_pass http://brief; }
    }
}
EOC

# asks($uri, %fields): the connection, the status, and what the upstream got
sub asks {
    my ($uri, %fields) = @_;
    my $c = $t->connect;
    my $lines = join '', map { "$_: $fields{$_}\r\n" } sort keys %fields;

    $c->send("GET $uri HTTP/1.1\r\nHost: a\r\n$lines\r\n");
    my $head = $c->read_until(qr/\r\n\r\n/) // '';
    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my ($got) = $head =~ /^X-Got: (.*)\r$/m;
    return ($c, ($status // 'none') . ' ' . ($got // ''));
}

my %wish = (Upgrade => 'test', Connection => 'keep-alive, Upgrade');
my ($c, $said) = asks('/up', %wish);
is $said, '101 test|upgrade', 'an upgrade passes by itself';
$c->send("hello\n");
is $c->read_until(qr/\n/), "HELLO\n", '... and then bytes';
is $c->read_all, '', '... until proxy_read_timeout';
($c, $said) = asks('/up', %wish, Connection => 'close');
is $said, '200 -|-', 'not unless Connection says so';
is +(asks('/up', %wish, Connection => 'x-upgrade-not'))[1], '200 -|-', '... as a word';
is +(asks('/up', Connection => 'upgrade'))[1], '200 -|-', 'nor without Upgrade';
is +(asks('/up', %wish, Upgrade => 'h2c'))[1], '200 -|-', 'not to h2c';
is +(asks('/up', %wish, Upgrade => 'test, H2C'))[1], '200 -|-',
    '... also among others';
is +(asks('/plain', %wish))[1], '200 test|upgrade', 'an upstream need not agree';
is +(asks('/off', %wish))[1], '200 -|-', 'proxy_upgrade off';
is +(asks('/own', %wish))[1], '200 -|-', 'auto: proxy_set_header decides';
is +(asks('/on', %wish))[1], '101 test|upgrade', 'on: it does not';
like +(asks('/on'))[1], qr/other\|close/, '... but without an upgrade';
like +(asks('/10', %wish))[1], qr/^200 -\|/, 'not in HTTP/1.0';

my $start = time;
($c, $said) = asks('/long', %wish);
sleep 0.6;
$c->send("still\n");
is $c->read_until(qr/\n/), "STILL\n", 'proxy_upgrade_timeout, longer';
$c->close;
($c) = asks('/short', %wish);
is $c->read_all, '', '... and shorter';
ok wait_until(sub { $t->read('error.log') =~ /while proxying upgraded.*\(proxy_upgrade_timeout 200ms, / }, 5),
    '... named in the log';

# ---- Keep-Alive of an upstream

sub number { return $t->get($_[0])->body }

my $n = number('/keep');
is number('/keep?keep=timeout=1'), $n, 'a kept connection';
isnt number('/keep?keep=max=5, timeout=2'), $n,
    'timeout=1: it is not kept';
$n = number('/keep?keep=timeout=2');
is number('/keep?keep=timeout=2'), $n, 'timeout=2: it is';
sleep 1.3;
isnt number('/keep'), $n, '... for no longer than one second';
$n = number('/keep?keep=timeout=600');
is number('/keep?keep=timeout'), $n, 'a long time';
is number('/keep?keep=timeout=x'), $n, 'no number: no limit';
$n = number('/brief?keep=timeout=600');
sleep 1.3;
isnt number('/brief'), $n, 'keepalive_timeout counts, too';

done_testing;
