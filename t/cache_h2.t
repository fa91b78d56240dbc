# SPDX-License-Identifier: BSD-2-Clause
#
# proxy_cache of what comes over HTTP/2 (proxy_http_version 2): what is stored is
# a head in lines as that of HTTP/1, so that either serves what the other has stored.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::MD5 qw(md5_hex);
use Weir::H2Peer;
use Weir::Test;

skip_before('1.29.4', 'proxy_http_version 2');
plan skip_all => 'nginx stores it otherwise' if is_oracle();

# The requests' heads are packed: the file "next" says what is answered.
my $t = Weir::Test->new;
my $answers = $t->path('next');
my $peer = Weir::H2Peer->start(sub {
    my ($p, $s) = @_;
    my $how = -e $answers ? do { open my $f, '<', $answers or die; local $/; <$f> } : '';
    my @head = (':status' => 200, 'content-type' => 'text/plain', 'x-n' => $p->{n}++);

    if ($how eq '304') {
        $p->head($s->{id}, 1, ':status' => 304, etag => '"a"', 'cache-control' => 'max-age=3600');
    } elsif ($how eq 'vary') {
        $p->head($s->{id}, 0, @head, vary => 'x-kind', 'content-length' => 4);
        $p->data($s->{id}, 'vary', 1);
    } elsif ($how eq 'cut') {
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, 'half', 0);
        $p->frame(RST_STREAM => 0, $s->{id}, pack 'N', 2);
    } elsif ($how eq 'interim') {
        $p->head($s->{id}, 0, ':status' => 103, link => '</a>');
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, 'x' x 16000, $_ == 9) for 0 .. 9;
    } elsif ($how eq 'trailers') {
        $p->head($s->{id}, 0, @head);
        $p->data($s->{id}, 'trailed', 0);
        $p->head($s->{id}, 1, 'x-end' => 1);
    } else {
        my $age = $how eq 'short' ? 1 : 3600;
        $p->head($s->{id}, 0, @head, etag => '"a"', 'accept-ranges' => 'bytes',
                 'cache-control' => "max-age=$age", 'content-length' => 5);
        $p->data($s->{id}, 'hello', 1);
    }
});
my $up = $peer->port;
my $one = Weir::Backend->http(sub {
    return "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none";
});
my $up1 = $one->port;

$t->mkdir('c');
$t->run(<<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one levels=1:2 keys_zone=one:1m;
    proxy_cache one;
    proxy_cache_key \$uri;
    proxy_cache_valid 1h;
    proxy_cache_revalidate on;
    proxy_http_version 2;
    add_header X-Cache \$upstream_cache_status;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:$up; }
    }
    server {
        listen 127.0.0.1:%%PORT_one%%;
        proxy_http_version 1.1;
        location / { proxy_pass http://127.0.0.1:$up1; }
    }
}
EOC

sub answers { $t->write('next', $_[0]) }

sub asked {
    my $r = $t->get(@_);
    return ($r->header('X-Cache') // '-') . ' ' . $r->body;
}

sub becomes {
    my ($want, @what) = @_;
    my $got;

    wait_until(sub { ($got = asked(@what)) eq $want });
    return is $got, $want, "@what: $want";
}

sub stored_head {
    my $name = md5_hex($_[0]);
    my $file = $t->read('c/one/' . substr($name, -1) . '/' . substr($name, -3, 2) . "/$name");

    return $file =~ /(HTTP\/.*?)\r\n\r\n/s ? $1 : undef;
}

answers('');
is asked('/a'), 'MISS hello', 'a miss';
becomes('HIT hello', '/a');
like stored_head('/a'), qr/^HTTP\/\d\.\d 200\b/, 'stored as lines';
like stored_head('/a'), qr/^x-n: \d+\r?$/mi, '... with its fields';
is $t->get('/a', port => $t->port('one'))->header('Content-Length'), 5,
    'HTTP/1 serves what is stored';

is $t->get('/a', headers => [Range => 'bytes=1-2'])->status, 206, 'a range';

answers('short');
is asked('/r'), 'MISS hello', 'fresh for a second';
answers('304');
becomes('REVALIDATED hello', '/r');
becomes('HIT hello', '/r');

answers('vary');
for my $kind (qw(a b)) {
    my @as = ('/v', headers => ['X-Kind' => $kind]);
    is asked(@as), 'MISS vary', "variant $kind";
    wait_until(sub { asked(@as) eq 'HIT vary' });
}
is asked('/v', headers => ['X-Kind' => 'a']), 'HIT vary', '... beside the other one';

answers('cut');
$t->get('/cut');
answers('');
is asked('/cut'), 'MISS hello', 'what was reset is not stored';

answers('interim');
my $big = 'x' x 160000;
is asked('/i'), "MISS $big", 'behind an interim response';
becomes("HIT $big", '/i');

answers('trailers');
is asked('/t'), 'MISS trailed', 'with trailers';
becomes('HIT trailed', '/t');

$t->get('/h1', port => $t->port('one'));
becomes('HIT one', '/h1');

done_testing;
