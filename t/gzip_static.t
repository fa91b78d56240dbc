# SPDX-License-Identifier: BSD-2-Clause
#
# gzip_static, brotli_static, zstd_static: which file, for whom.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test;

need_module('http_gzip_static');

my $load = load_brotli(is_oracle(), 'static');
my $has_brotli = defined $load;
my $has_zstd = !is_oracle();
my $has_filter = !is_oracle() && has_module('brotli');

my $t = Weir::Test->new;
my $brotli = $has_brotli ? 'brotli_static' : '#';
my $zstd = $has_zstd ? 'zstd_static' : '#';

$t->write('html/both.html', 'plain ' x 20, mtime => 1700000000);
$t->write('html/both.html.gz', 'as gz', mtime => 1700000000);
$t->write('html/both.html.br', 'as br!', mtime => 1700000000);
$t->write('html/both.html.zst', 'as zst!!', mtime => 1700000000);
$t->write('html/only.html', 'plain');
$t->write('html/only.html.gz', 'as gz');
$t->write('html/lone.html.gz', 'lone');
$t->write('html/plain.html', 'plain');
$t->write('html/folder.html', 'plain');
$t->mkdir('html/folder.html.gz');
$t->run(($load // '') . <<"EOC");
%%HTTP%%
    types { text/html html; application/gzip gz; }
    server {
        listen 127.0.0.1:%%PORT%%;
        gzip_static on;
        location / { root %%TESTDIR%%/html; }
        location /off/ { gzip_static off; alias %%TESTDIR%%/html/; }
        location /always/ { gzip_static always; gzip_vary on;
                            alias %%TESTDIR%%/html/; }
        location /vary/ { gzip_vary on; alias %%TESTDIR%%/html/; }
        location /three/ {
            $brotli on;
            $zstd on;
            gzip_vary on; alias %%TESTDIR%%/html/;
        }
        location /order/ {
            $brotli on;
            $zstd on;
            @{[ is_oracle() ? '' : 'compress_order gzip zstd br;' ]}
            alias %%TESTDIR%%/html/;
        }
        location /br/ {
            gzip_static off;
            $brotli always;
            alias %%TESTDIR%%/html/;
        }
        location /fly/ { gzip on; gzip_min_length 1; gzip_proxied any;
                         @{[ $has_filter ? 'brotli on;' : '' ]}
                         alias %%TESTDIR%%/html/; }
        location /index/ { index both.html; alias %%TESTDIR%%/html/; }
    }
}
EOC

# asked($uri, $codings, %opt): the response for those that are accepted.
sub asked {
    my ($uri, $codings, %opt) = @_;

    return $t->get($uri, %opt, headers => ['Accept-Encoding', $codings,
                                           @{ $opt{headers} // [] }]);
}

sub is_file {
    my ($r, $coding, $body, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is $r->header('Content-Encoding'), $coding, "$name: coding";
    is $r->body, $body, "$name: body";
}

my $r = asked('/both.html', 'gzip');
is_file $r, 'gzip', 'as gz', 'on';
is $r->header('Content-Type'), 'text/html', 'the type of the original';
is $r->header('Content-Length'), 5, 'its own length';
is $r->header('ETag'), '"6553f100-5"', 'its own tag';
is $r->header('Vary'), undef, 'no Vary';
is asked('/both.html', 'gzip', headers => ['If-None-Match', '"6553f100-5"'])
    ->status, 304, 'which is known again';
is_file $t->get('/both.html'), undef, 'plain ' x 20, 'not asked';
is_file asked('/both.html', 'gzip;q=0'), undef, 'plain ' x 20, 'not wanted';
is_file asked('/off/both.html', 'gzip'), undef, 'plain ' x 20, 'off';
is_file asked('/plain.html', 'gzip'), undef, 'plain', 'not there';
is_file asked('/folder.html', 'gzip'), undef, 'plain', 'a folder';
is_file asked('/lone.html', 'gzip'), 'gzip', 'lone', 'without an original';
is $t->get('/lone.html')->status, 404, '... which is missing for others';
is_file asked('/both.html', 'gzip', version => '1.0'), undef, 'plain ' x 20,
    'HTTP/1.0';
is_file asked('/both.html', 'gzip', headers => ['Via', '1.1 p']), undef,
    'plain ' x 20, 'gzip_proxied counts';
is $t->post("/both.html", "x")->status, 405, "POST";
is_file asked('/index/', 'gzip'), 'gzip', 'as gz', 'of an index';
$r = $t->head('/both.html', headers => ['Accept-Encoding', 'gzip']);
is $r->header('Content-Encoding'), 'gzip', 'HEAD';
is $r->header('Content-Length'), 5, 'HEAD: the length';
SKIP: {
    skip 'ranges came with 1.23.4', 3 if !version_at_least('1.23.4');
    $r = asked('/both.html', 'gzip', headers => ['Range', 'bytes=1-2']);
    is $r->status, 206, 'a range';
    is_file $r, 'gzip', 's ', 'of the file';
}

is_file $t->get('/always/both.html'), 'gzip', 'as gz', 'always';
is $t->get('/always/both.html')->header('Vary'), undef, 'always: no Vary';
is_file $t->get('/always/plain.html'), undef, 'plain', 'always: not there';

for my $codings ('gzip', 'x') {
    is asked('/vary/both.html', $codings)->header('Vary'), 'Accept-Encoding',
        "Vary for $codings";
    is asked('/vary/plain.html', $codings)->header('Vary'), undef,
        "no Vary where there is one file for $codings";
}

SKIP: {
    skip 'no brotli', 1 if !$has_brotli;
    is_file asked('/three/both.html', 'gzip, br'), 'br', 'as br!', 'gzip, br';
    is_file asked('/three/both.html', 'gzip'), 'gzip', 'as gz', 'three: gzip';
    is_file asked('/three/only.html', 'gzip, br'), 'gzip', 'as gz',
        'br is not there';
    is asked('/three/both.html', $_)->header('Vary'), 'Accept-Encoding',
        "three: Vary for $_" for 'br', 'x';
    is_file $t->get('/br/both.html'), 'br', 'as br!', 'brotli_static always';
    is_file asked('/br/only.html', 'br'), undef, 'plain', 'no file';
}

SKIP: {
    skip 'weir chooses', 1 if is_oracle();
    my @cases = (
        # accepted                           three    order
        'gzip, br, zstd'                  => ['br',   'gzip'],
        'gzip;q=0.9, br;q=0.5, zstd;q=1'  => ['zstd', 'zstd'],
        'gzip;q=0.9, br;q=0.5'            => ['gzip', 'gzip'],
        'zstd, gzip'                      => ['zstd', 'gzip'],
        'br;q=0, zstd;q=0'                => ['',     ''],
        'gzip;q=0.5, identity'            => ['',     ''],
        '*'                               => ['',     ''],
        'identity;q=0, *'                 => ['br',   'gzip'],
        'identity;q=0, *, gzip;q=0'       => ['br',   'zstd'],
        'identity;q=0.3, *;q=0.5, zstd;q=0.4' => ['br', 'gzip'],
    );
    while (my ($accepted, $wanted) = splice @cases, 0, 2) {
        is join(' ', map { asked("/$_/both.html", $accepted)
                               ->header('Content-Encoding') // '' }
                     qw(three order)), join(' ', @$wanted),
            "accepted: $accepted";
    }
}
SKIP: {
    skip 'nothing else is made', 1 if !$has_filter;
    is_file asked('/fly/both.html', 'br, gzip'), 'gzip', 'as gz',
        'what is there precedes what has to be made';
    is asked('/fly/both.html', 'br, gzip;q=0.9')->header('Content-Encoding'),
        'br', '... but not what the client prefers';
    is_file asked('/fly/lone.html', 'br, gzip;q=0.9'), 'gzip', 'lone',
        '... if it can be made';
}
is asked('/fly/plain.html', 'gzip')->header('Content-Encoding'), 'gzip',
    'made where it is not there';

for my $line ('gzip_static maybe', 'gzip_static on off') {
    my $said = conf_test("events {}\nhttp {\n$line;\n}\n");
    is $said->{code}, 1, $line;
}

done_testing;
