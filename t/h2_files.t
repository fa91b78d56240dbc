# SPDX-License-Identifier: BSD-2-Clause
#
# Bodies over HTTP/2 and TLS: files with and without sendfile, bodies from
# memory, in frames of all sizes and on many streams at once; a file that
# becomes shorter while it is sent costs its stream alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::H2 qw(frame);
use Weir::TLS;
use Weir::Test;

need_module('http_v2', 'http_ssl');
need_tls();

my $on = is_oracle() ? '' : 'http2 on;';
my $h2 = is_oracle() ? ' http2' : '';
my $t = Weir::Test->new;
my $pki = Weir::TLS->new($t);
$pki->ca('ca');
$pki->issue('a', by => 'ca');
$t->write('html/big', join '', map { pack 'N', $_ } 1 .. 50_000);
$t->write('html/odd', join '', map { pack 'n', $_ } 1 .. 16_001);
$t->write('html/shrinks', 's' x 400_000);
$t->write('html/shrinks2', 's' x 400_000);
$t->write('html/one', '1');
my $sizes = join '', map { "location /s$_/ { alias %%TESTDIR%%/html/; "
    . "http2_chunk_size $_; }\n" } 1000, 8191, 16375, 16384, 100000;
$t->run(<<"EOC");
%%GLOBALS%%
worker_processes 1;
events {}
http {
    %%GLOBALS_HTTP%%
    ssl_certificate %%TESTDIR%%/tls/a.pem;
    ssl_certificate_key %%TESTDIR%%/tls/a.key;
    root %%TESTDIR%%/html;
    server {
        listen 127.0.0.1:%%PORT%% ssl$h2;
        $on
        $sizes
        location /sub/ { alias %%TESTDIR%%/html/; sub_filter NONE x; sub_filter_types *; }
        location /fast/ { alias %%TESTDIR%%/html/; sendfile on; }
        location /small/ { alias %%TESTDIR%%/html/; output_buffers 1 3000; }
    }
}
EOC

my ($big, $odd) = ($t->read('html/big'), $t->read('html/odd'));
my $c = Weir::H2->new(port => $t->port, tls => 1);
for my $place (qw(/ /sub/ /fast/ /small/ /s1000/ /s8191/ /s16375/ /s16384/
    /s100000/)) {
    my @ids = map { $c->request('GET', "$place$_") } qw(big odd one big odd one);
    $c->wait(@ids);
    my @got = map { $c->stream($_)->{body} } @ids;
    ok $got[0] eq $big && $got[1] eq $odd && $got[2] eq '1' && $got[3] eq $big
        && $got[4] eq $odd && $got[5] eq '1', "$place: all is as in the files";
}
my $ranges = $c->get('/big',
    headers => [range => 'bytes=0-0,70000-170000'])->{body};
ok index($ranges, "bytes 70000-170000/200000\r\n\r\n"
    . substr($big, 70000, 100001) . "\r\n--") > 0, 'ranges';

# Whoever takes larger frames, up to 1 MB here.
$c = Weir::H2->new(port => $t->port, tls => 1, settings => [5 => 1 << 20]);
ok $c->get("$_/big")->{body} eq $big, "$_: to a client that takes large frames"
    for '', '/s100000';

# The window of the client holds it up.
$t->expect_log(qr/read only|open socket|aborting/);
for (['/fast/shrinks', 'shrinks'], ['/shrinks2', 'shrinks2']) {
    my ($path, $file) = @$_;
    $c = Weir::H2->new(port => $t->port, tls => 1, closed => 1);
    my $id = $c->request('GET', $path);
    $c->until(sub { length $c->stream($id)->{body} == 65535 });
    truncate $t->path("html/$file"), 70_000;
    $c->send(8, 0, 0, pack 'N', 1_000_000);
    $c->send(8, 0, $id, pack 'N', 1_000_000);
    $c->wait($id);
    my $s = $c->stream($id);
    ok length $s->{body} < 400_000, "$file: not all of it";
  SKIP: {
        skip 'nginx closes the connection', 2 if is_oracle();
        is $s->{reset}, 2, 'and the stream is reset';
        is $c->get('/one')->{body}, '1', 'others go on';
    }
}

done_testing();
