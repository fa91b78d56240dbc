# SPDX-License-Identifier: BSD-2-Clause
#
# flv: Flash video from a position on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_flv');

my $t = Weir::Test->new;
my $header = "FLV\1\5\0\0\0\11\0\0\0\0";
my $film = join '', map { "tag $_," } 1 .. 5000;
$t->write('html/film.flv', $film);
$t->write('html/index.html', 'the index');
$t->run(<<'EOC');
%%HTTP%%
    types { video/x-flv flv; text/html html; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { flv; }
        location /read/ { alias %%TESTDIR%%/html/; flv; sendfile off; }
    }
}
EOC

for my $uri ('/film.flv', '/read/film.flv') {
    for my $start (1, 100, 30000, length($film) - 1) {
        my $r = $t->get("$uri?start=$start");
        ok $r->body eq $header . substr($film, $start), "$uri from $start on";
        is $r->header('Content-Length'), length $r->body, 'Content-Length';
    }
}
for my $args ('', '?start=0', '?start=', '?start=x', '?start=-5', '?begin=5',
              '?start=' . length $film, '?start=99999999999999999999') {
    ok $t->get("/film.flv$args")->body eq $film, "'$args': the file";
}
ok $t->get('/film.flv?a=b&start=100')->body eq $header . substr($film, 100),
    'another argument before it';
is $t->get('/film.flv?start=100')->header('Content-Type'), 'video/x-flv',
    'Content-Type';
my $range = $t->get('/film.flv?start=100', headers => [Range => 'bytes=10-19']);
is $range->status, 206, 'a range';
ok $range->body eq substr($header . substr($film, 100), 10, 10),
    '... of what is sent';
is $t->head('/film.flv?start=100')->header('Content-Length'),
    length($film) - 100 + length $header, 'HEAD';
is $t->get('/')->body, 'the index', 'a folder is left to index';
is $t->get('/nothing.flv?start=1')->status, 404, 'no file';
is $t->post('/film.flv', 'x')->status, 405, 'POST';
$t->expect_log(qr/open\(\) "[^"]+nothing\.flv" failed/);

done_testing;
