# SPDX-License-Identifier: BSD-2-Clause
#
# autoindex_theme: the page for people.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_autoindex');
plan skip_all => 'nginx has no autoindex_theme' if is_oracle();

my $t = Weir::Test->new;
my %size = (big => 5_400_000, mid => 1500, small => 3, 'a<&b' => 20);
my $at = 1_700_000_000;
for (sort keys %size) {
    $t->write("html/list/$_", 'x' x $size{$_});
    utime $at, $at, $t->path("html/list/$_");
    $at += 3600;
}
$t->mkdir('html/list/folder');
$t->mkdir('html/list/zoo');
$t->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { autoindex on; autoindex_theme modern;
                     autoindex_exact_size off; }
        location /exact/ { alias %%TESTDIR%%/html/; autoindex on;
                           autoindex_theme modern; }
        location /plain/ { alias %%TESTDIR%%/html/; autoindex on;
                           autoindex_theme plain; }
        location /json/ { alias %%TESTDIR%%/html/; autoindex on;
                          autoindex_theme modern; autoindex_format json; }
    }
}
EOC

sub names {
    my ($uri) = @_;
    return join ' ', $t->get($uri)->body =~ m{<td><a href="([^"]+)"}g;
}

my $folders = '../ folder/ zoo/';
for (['', "$folders a%3C%26b big mid small"],
     ['?sort=name', "$folders a%3C%26b big mid small"],
     ['?sort=name&order=desc', '../ zoo/ folder/ small mid big a%3C%26b'],
     ['?sort=size', "$folders small a%3C%26b mid big"],
     ['?sort=size&order=desc', '../ zoo/ folder/ big mid a%3C%26b small'],
     ['?sort=x&order=y', "$folders a%3C%26b big mid small"]) {
    is names("/list/$_->[0]"), $_->[1], "order $_->[0]";
}
like names('/list/?sort=time'), qr/ a%3C%26b big mid small$/, 'by time';
like names('/list/?sort=time&order=desc'), qr/ small mid big a%3C%26b$/,
    '... the last one first';

my $page = $t->get('/list/')->body;
like $page, qr/^<!doctype html>/, 'HTML 5';
like $page, qr/name="viewport"/, '... for small screens';
like $page, qr/color-scheme:light dark/, '... and dark ones';
unlike $page, qr/<script|src=|<link|https?:|\@import|url\(/,
    '... nothing else is loaded, and no script';
like $page, qr{>a&lt;&amp;b</a>}, '... escaped';
like $page, qr{>5\.4 MB</td>}, 'sizes';
like $page, qr{>1\.5 kB</td>}, '...';
like $page, qr{>3 B</td>}, '...';
like $page, qr{<th aria-sort="ascending"><a href="\?sort=name&amp;order=desc">},
    'the head turns the order';
unlike $t->get('/')->body, qr{href="\.\./"}, 'nothing is above the root';
like $t->get('/exact/list/')->body, qr{>5400000</td>}, 'autoindex_exact_size';
like $t->get('/plain/list/')->body, qr{<hr><pre>}, 'plain';
like $t->get('/json/list/')->body, qr{^\[}, 'other formats have no theme';

done_testing;
