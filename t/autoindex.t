# SPDX-License-Identifier: BSD-2-Clause
#
# autoindex: lists of directories, byte for byte, in all formats.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module('http_autoindex');

my $t = Weir::Test->new;
my $then = 1700000000;      # 14 Nov 2023 22:13:20
my $long = 'l' x 51;
my $euro = "\xe2\x82\xac";

sub sized {
    my ($name, $size) = @_;
    my $path = $t->write("html/$name", '');

    truncate $path, $size or die "$path: $!\n";
    utime $then, $then, $path;
}

sized('many/a', 0);
sized('many/b&<c>.txt', 9999);
sized('many/c%d e?', 10000);
sized("many/$long", 1572864);
sized('many/' . 'm' x 50, 1073741824);
sized('many/.hidden', 1);
$t->mkdir('html/many/z');
symlink 'nowhere', $t->path('html/many/broken');
symlink 'z', $t->path('html/many/y');
sized('many/z/below', 1);
utime $then, $then, $t->path('html/many/z');
sized('text/' . $euro x 50, 1);
sized('text/' . $euro x 51, 1);
sized("text/q\"u\\o\te", 1);
$t->mkdir('html/empty');
$t->mkdir('html/shut');
chmod 0, $t->path('html/shut');
$t->write('html/index/index.html', 'the index');

$t->run(<<'EOC');
%%HTTP%%
    root %%TESTDIR%%/html;
    autoindex on;
    server {
        listen 127.0.0.1:%%PORT%%;
        location /utf8/ { alias %%TESTDIR%%/html/; charset utf-8; }
        location /about/ { alias %%TESTDIR%%/html/;
                           autoindex_exact_size off; }
        location /json/ { alias %%TESTDIR%%/html/; autoindex_format json; }
        location /jsonp/ { alias %%TESTDIR%%/html/; autoindex_format jsonp; }
        location /xml/ { alias %%TESTDIR%%/html/; autoindex_format xml; }
        location /off/ { alias %%TESTDIR%%/html/; autoindex off; }
    }
}
EOC

# html($uri, [name in href, name as text, date, size] ...)
sub html {
    my ($uri, @rows) = @_;
    my $page = "<html>\r\n<head><title>Index of $uri</title></head>\r\n"
        . "<body>\r\n<h1>Index of $uri</h1><hr><pre><a href=\"../\">../</a>\r\n";

    for my $row (@rows) {
        my ($href, $text, $blanks, $size) = @$row;
        $page .= "<a href=\"$href\">$text</a>" . ' ' x $blanks
            . " 14-Nov-2023 22:13 $size\r\n";
    }
    return "$page</pre><hr></body>\r\n</html>\r\n";
}

my $dots = 'l' x 47 . '..&gt;';
my @names = (
    ['y/', 'y/', 48], ['z/', 'z/', 48], ['a', 'a', 49],
    ['b%26%3Cc%3E.txt', 'b&amp;&lt;c&gt;.txt', 41], ['broken', 'broken', 44],
    ['c%25d%20e%3F', 'c%d e?', 44], [$long, $dots, 0],
    ['m' x 50, 'm' x 50, 0],
);
my @exact = ('-', '-', 0, 9999, '', 10000, 1572864, 1073741824);
my @about = map { sprintf '%7s', $_ }
    '-', '-', '0', '9999', '', '10K', '2M', '1G';

# The broken link has a date of its own.
sub list {
    my ($page) = @_;

    $page =~ s/^(<a href="broken">.*?<\/a> +)\d\d-\w+-\d+ [\d:]+ +\d*/$1/m;
    return $page;
}

sub rows {
    my @sizes = @_;

    return map { [@{ $names[$_] }, $sizes[$_]] } 0 .. $#names;
}

my $r = $t->get('/many/');
is $r->status, 200, 'a list';
is $r->header('Content-Type'), 'text/html', 'its type';
is $r->header('Transfer-Encoding'), 'chunked', 'its length is not known';
is list($r->body), list(html('/many/', rows(map { sprintf '%19s', $_ }
                                            @exact))), 'HTML';
is list($t->get('/about/many/')->body),
    list(html('/about/many/', rows(@about))), 'autoindex_exact_size off';
is $t->get('/empty/')->body, html('/empty/'), 'an empty directory';
is $t->head('/many/')->body, '', 'HEAD';

my $href = '%E2%82%AC';
my $one = sprintf '%19s', 1;
is $t->get('/text/')->body,
    html('/text/',
         ['q%22u%5Co%09e', "q&quot;u\\o\te", 43, $one],
         [$href x 50, $euro x 15 . "\xe2\x82..&gt;", 0, $one],
         [$href x 51, $euro x 15 . "\xe2\x82..&gt;", 0, $one]),
    'without a charset bytes are counted';
$r = $t->get('/utf8/text/');
is $r->header('Content-Type'), 'text/html; charset=utf-8', 'charset';
is $r->body,
    html('/utf8/text/',
         ['q%22u%5Co%09e', "q&quot;u\\o\te", 43, $one],
         [$href x 50, $euro x 50, 0, $one],
         [$href x 51, $euro x 47 . '..&gt;', 0, $one]),
    'with one, characters';

# ---- other formats ----

my $when = 'Tue, 14 Nov 2023 22:13:20 GMT';
my $json = "[\r\n"
    . join(",\r\n", map {
        my ($name, $size) = @$_;
        qq({ "name":"$name", "type":"file", "mtime":"$when", "size":$size })
    } ['q\\"u\\\\o\\te', 1], [$euro x 50, 1], [$euro x 51, 1]) . "\r\n]";
$r = $t->get('/json/text/');
is $r->header('Content-Type'), 'application/json', 'JSON: type';
is $r->body, $json, 'JSON';
is $t->get('/json/empty/')->body, "[\r\n]", 'JSON: nothing';
like $t->get('/json/many/')->body,
    qr/\{ "name":"z", "type":"directory", "mtime":"$when" \},\r\n/,
    'JSON: a directory';
$r = $t->get('/jsonp/text/?callback=f.g_1');
is $r->header('Content-Type'), 'application/javascript', 'JSONP: type';
is $r->body, "/* callback */\r\nf.g_1($json);", 'JSONP';
$r = $t->get('/jsonp/text/');
is $r->header('Content-Type'), 'application/json', 'JSONP: no callback, type';
is $r->body, $json, 'JSONP: no callback';
is $t->get('/jsonp/text/?callback=a%28')->status, 400, 'JSONP: a bad one';
is $t->get('/jsonp/text/?callback=' . 'a' x 129)->status, 400,
    'JSONP: a long one';

$r = $t->get('/xml/many/');
is $r->header('Content-Type'), 'text/xml; charset=utf-8', 'XML: type';
my $stamp = 'mtime="2023-11-14T22:13:20Z"';
like $r->body, qr{^<\?xml\ version="1\.0"\?>\r\n<list>\r\n
    <directory\ $stamp>y</directory>\r\n<directory\ $stamp>z</directory>\r\n
    <file\ $stamp\ size="0">a</file>\r\n
    <file\ $stamp\ size="9999">b&amp;&lt;c&gt;\.txt</file>\r\n
    <other\ mtime="[^"]+">broken</other>\r\n}x, 'XML';
like $r->body, qr{</file>\r\n</list>\r\n\z}, 'XML: its end';

# ---- when there is no list ----

is $t->get('/index/')->body, 'the index', 'an index goes first';
is $t->get('/off/many/')->status, 403, 'autoindex off';
is $t->get('/none/')->status, 404, 'no directory';
is $t->get('/many')->status, 301, 'no slash';
is $t->post('/many/', 'x')->status, 403, 'POST';
SKIP: {
    skip 'permissions', 1
        if !$> && $t->expand('%%GLOBALS%%') =~ /user root/;
    is $t->get('/shut/')->status, 403, 'no permission';
}

# ---- times without a date ----

SKIP: {
    skip 'no /dev/shm', 9 if !-w '/dev/shm';
    my $shm = File::Temp->newdir('weir-test-XXXXXX', DIR => '/dev/shm');
    chmod 0755, $shm;
    my @times = (2 ** 60, -2 ** 60, 253402300800);
    for my $i (0 .. $#times) {
        $t->write("$shm/$i", '');
        utime $times[$i], $times[$i], "$shm/$i";
        skip 'the file system keeps no such times', 9
            if (stat "$shm/$i")[9] != $times[$i];
    }
    my $x = Weir::Test->new;
    $x->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        autoindex on;
        location / { alias $shm/; }
        location /local/ { alias $shm/; autoindex_localtime on; }
        location /json/ { alias $shm/; autoindex_format json; }
        location /xml/ { alias $shm/; autoindex_format xml; }
        location /expires/ { alias $shm/; expires modified 1h; }
    }
}
EOC
    wait_until(sub { $x->worker_pids == 1 });
    my ($worker) = $x->worker_pids;
    for my $case (['/', qr/>0<.* 31-Dec-9999 23:59 .*>1<.* 01-Jan-1970 00:00 .*>2<.* 31-Dec-9999 /s],
                  ['/local/', qr/>0<.* \d\d-\w{3}-\d+ \d\d:\d\d /],
                  ['/json/', qr/"Fri, 31 Dec 9999 23:59:59 GMT".*"Thu, 01 Jan 1970 00:00:00 GMT"/s],
                  ['/xml/', qr/"9999-12-31T23:59:59Z".*"1970-01-01T00:00:00Z".*"9999-12-31T23:59:59Z"/s]) {
        my $page = $x->get($case->[0]);
        is $page->status, 200, "$case->[0]: times that have no date";
        next if is_oracle();
        like $page->body, $case->[1], "$case->[0]: are the nearest that has one";
    }
    is $x->get('/expires/0')->status, 200, 'expires modified';
    is join(' ', $x->worker_pids), $worker, 'the worker goes on';
}

# autoindex_localtime: the zone's offset of now holds for all times
{
    local $ENV{TZ} = 'CET-1CEST,M3.5.0,M10.5.0/3';
    my $z = Weir::Test->new;
    my %noon = (jan => 1577880000, jul => 1593604800);
    for my $name (keys %noon) {
        $z->write("zone/$name", '');
        utime $noon{$name}, $noon{$name}, $z->path("zone/$name");
    }
    $z->run(<<'EOC');
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { alias %%TESTDIR%%/zone/; autoindex on; autoindex_localtime on; }
    }
}
EOC
    my $page = $z->get('/')->body;
    like $page, qr/>jan<.* 01-Jan-2020 1([34]):00 .*>jul<.* 01-Jul-2020 1\1:00 /s,
        'summer and winter by one offset';
}

done_testing;
