# SPDX-License-Identifier: BSD-2-Clause
#
# Clients read what weir compresses: curl, Node, and Chromium where it is
# installed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Coding;
use Weir::Test;

need_module('http_gzip');
my $load = load_brotli(is_oracle(), 'filter') // '';
my @codings = (['gzip', 'gzip']);
push @codings, ['brotli', 'br'] if is_oracle() ? $load : has_module('brotli');
push @codings, ['zstd', 'zstd'] if !is_oracle() && has_module('zstd');

my $text = join '', map { "// line $_ of a text\n" } 1 .. 5000;
my $t = Weir::Test->new;
$t->write("html/$_->[0].js",
          "document.write('read $_->[0]<br>');\n$text") for @codings;
$t->write('html/page.html', join '', "<!doctype html><title>a</title>\n",
          map { "<script src=/$_->[0]/$_->[0].js></script>\n" } @codings);
my $locations = join '', map { <<"EOC" } @codings;
        location /$_->[0]/ { $_->[0] on; $_->[0]_types text/javascript;
                             alias %%TESTDIR%%/html/; }
EOC
$t->run($load . <<"EOC");
%%HTTP%%
    types { text/html html; text/javascript js; }
    map \$http_user_agent \$is_browser { default 0; ~Chrom 1; }
    log_format coding '\$uri \$sent_http_content_encoding \$is_browser';
    access_log %%TESTDIR%%/coding.log coding;
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        $locations
    }
}
EOC
my $url = 'http://127.0.0.1:' . $t->port;

sub output_of {
    my (@command) = @_;

    open my $pipe, '-|', 'timeout', 60, @command or die "$command[0]: $!\n";
    return do { local $/; <$pipe> } // '';
}

sub is_there {
    return grep { -x "$_/$_[0]" } split /:/, $ENV{PATH};
}

for (@codings) {
    my ($name, $coding) = @$_;

    SKIP: {
        skip "no curl with $coding", 1 if !is_there('curl')
            || output_of('curl', '--version') !~ /\b(?:lib)?$name|zlib/
            || ($name ne 'gzip' && output_of('curl', '--version') !~ /$name/);
        is output_of(qw(curl -s --compressed -H), "Accept-Encoding: $coding",
                     "$url/$name/$name.js"), $t->read("html/$name.js"),
            "curl reads $coding";
        ok $t->wait_log(qr{^/$name/\S+ $coding 0$}, 'coding.log'),
            '... which it was';
    }
    SKIP: {
        skip 'no node', 1 if !is_there('node') || $name eq 'zstd';
        is output_of('node', '-e', <<'EOJ', "$url/$name/$name.js", $coding),
const [, url, coding] = process.argv;
require('http').get(url, { headers: { 'Accept-Encoding': coding } }, (r) => {
    const z = require('zlib');
    r.pipe(coding === 'br' ? z.createBrotliDecompress() : z.createGunzip())
        .pipe(process.stdout);
});
EOJ
            $t->read("html/$name.js"), "Node reads $coding";
    }
}

SKIP: {
    skip 'no chromium', 1 if !is_there('chromium');
    my $page = output_of('sh', '-c', 'exec chromium "$@" 2>/dev/null', 'sh',
        qw(--headless --no-sandbox --disable-gpu --no-first-run
           --disable-background-networking --disable-dev-shm-usage),
        '--user-data-dir=' . $t->path('chromium'), '--dump-dom',
        "$url/page.html");

    skip 'chromium does not run here', 1 if $page !~ /<html/;
    for (@codings) {
        my ($name, $coding) = @$_;
        like $page, qr/read $name<br>/, "Chromium reads $coding";
        ok $t->wait_log(qr{^/$name/\S+ $coding 1$}, 'coding.log'),
            '... which it was';
    }
}

done_testing;
