# SPDX-License-Identifier: BSD-2-Clause
#
# sub_filter: which texts are replaced, in which responses, however they come.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

need_module(qw(http_sub http_proxy http_rewrite));

my $long = join '', map { "line $_: <b>One</b> and two\n" } 1 .. 8000;
my %bodies = (
    text => 'One two THREE one two three aab abab',
    long => $long,
    empty => '',
    edge => 'x' x 4093 . 'needle' . 'x' x 4090 . 'need',
    dense => 'ab' x 30_000,
);

my $up = Weir::Backend->http(sub {
    my ($request, $c) = @_;
    my ($what, $how, $n) = $request->uri =~ /\?(\w+)(?:,(\w+)(?:,(\d+))?)?/;
    my $body = $bodies{$what};
    my $head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        . "ETag: \"a\"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n";

    return $head . 'Content-Length: ' . length($body) . "\r\n\r\n"
        . ($request->method eq 'HEAD' ? '' : $body) if !$how;
    if ($how eq 'cut') {
        $c->send($head . 'Content-Length: ' . length($body) . "\r\n\r\n"
                 . substr $body, 0, $n);
        $c->close;
        return undef;
    }
    $c->send("${head}Transfer-Encoding: chunked\r\n\r\n"
             . join '', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack "(a$n)*", $body);
    return "0\r\n\r\n";
});
my $pass = 'proxy_pass http://127.0.0.1:' . $up->port . ';';

my $t = Weir::Test->new;
$t->write('html/page.html', "One page\n");
$t->write('html/one.txt', "one\n");
$t->write('html/large.html', $long);
$t->write('html/none.html', '');
$t->write('html/inner.html', "[one inner]\n");
my $many = join "\n", map { "sub_filter 'line $_: ' '$_ ';" } 1000 .. 1200;
my $addition = has_module('http_addition')
    ? 'location = /around { add_before_body /inner.html; add_after_body /inner.html; '
      . 'sub_filter one 1; default_type text/html; alias %%TESTDIR%%/html/page.html; }' : '';
my $gzip = has_module('http_gzip')
    ? 'location /gzip { gzip on; gzip_min_length 0; sub_filter one 1; '
      . $pass . ' }' : '';
$t->run(<<"EOC");
%%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        location / { sub_filter one 1; }
        location /up { sub_filter one 1; sub_filter three 3; $pass }
        location /all { sub_filter one 1; sub_filter three 3; sub_filter_once off; $pass }
        location /case { sub_filter tHrEe x; sub_filter_once off; $pass }
        location /first { sub_filter a 1; sub_filter aab 2; sub_filter ab 3; sub_filter_once off; $pass }
        location /longer { sub_filter aab 2; sub_filter a 1; sub_filter_once off; $pass }
        location /end { sub_filter abx 1; sub_filter ab 2; sub_filter_once off; $pass }
        location /variables { sub_filter \$arg_x "<\$arg_y>"; sub_filter two "\$arg_z"; sub_filter_once off; $pass }
        location /delete { sub_filter one ""; sub_filter " " ""; sub_filter_once off; $pass }
        location /edge { sub_filter needle pin; sub_filter_once off; $pass }
        location /dense { sub_filter a "<a>"; sub_filter_once off; $pass }
        location /now { sub_filter one 1; sub_filter three 3; sub_filter_once off; proxy_buffering off; $pass }
        location /nowedge { sub_filter needle pin; sub_filter_once off; proxy_buffering off; $pass }
        location /kept { sub_filter one 1; sub_filter_last_modified on; $pass }
        location /files/ { sub_filter line LINE; sub_filter_once off; alias %%TESTDIR%%/html/; }
        location /many { $many
            sub_filter_once off; $pass }
        location /return { sub_filter one 1; sub_filter_types text/plain; default_type text/plain; return 200 "one two\\n"; }
        location /status { sub_filter one 1; default_type text/html; return 404 "one\\n"; }
        location /inherit { sub_filter one 1; location /inherit/same { $pass } location /inherit/other { sub_filter two 2; $pass } }
        location /cookie { sub_filter \$cookie_x hit; $pass }
        $addition
        $gzip
    }
}
EOC

$t->answers(
    '/page.html' => "1 page\n",
    '/one.txt' => "one\n",
    '/none.html' => '',
    '/up?text' => '1 two 3 one two three aab abab',
    '/all?text' => '1 two 3 1 two 3 aab abab',
    '/case?text' => 'One two x one two x aab abab',
    '/first?text' => 'One two THREE one two three 11b 1b1b',
    '/longer?text' => 'One two THREE one two three 2 1b1b',
    '/variables?text&x=Thre&y=$&z=2' => 'One 2 <$>E one 2 <$>e aab abab',
    '/variables?text&x=&y=5&z=zz' => 'One zz THREE one zz three aab abab',
    '/variables?text' => 'One  THREE one  three aab abab',
    '/cookie?text' => $bodies{text},
    '/delete?text' => 'twoTHREEtwothreeaababab',
    '/edge?edge' => 'x' x 4093 . 'pin' . 'x' x 4090 . 'need',
    '/dense?dense' => '<a>b' x 30_000,
    '/return' => "1 two\n",
    '/status' => [404, "1\n"],
    '/inherit/same?text' => '1 two THREE one two three aab abab',
    '/inherit/other?text' => 'One 2 THREE one two three aab abab',
    '/up?empty' => '',
    '/many?long' => $long =~ s/line (1[01]\d\d|1200): /$1 /gr,
    '/files/large.html' => $long =~ s/line/LINE/gr,
);
# nginx leaves the last text alone where a longer one could have begun there.
$t->answers('/end?text' => 'One two THREE one two three a2 22') if !is_oracle();
is $t->get('/cookie?text', headers => [Cookie => 'x=two thre'])->body,
    $bodies{text} =~ s/two THRE/hit/r, 'a text of a cookie';
$t->answers('/around' => "[1 inner]\n1 page\n[1 inner]\n") if $addition;

# ---- heads ----

my $r = $t->get('/up?text');
is $r->header('Content-Length'), undef, 'no length';
is $r->header('ETag'), undef, 'no tag';
is $r->header('Last-Modified'), undef, 'no date';
$r = $t->get('/kept?text');
is $r->header('ETag'), 'W/"a"', 'kept: a weak tag';
is $r->header('Last-Modified'), 'Tue, 14 Nov 2023 22:13:20 GMT', '... and the date';
$r = $t->get('/files/large.html', headers => [Range => 'bytes=0-3']);
is $r->status, 200, 'no ranges';
is $r->header('Accept-Ranges'), undef, 'none is offered';
is $r->header('Last-Modified'), undef, 'no date of a file';
ok $t->get('/one.txt')->header('Last-Modified'), 'other types keep theirs';
$r = $t->head('/up?text');
is $r->header('Content-Length'), undef, 'HEAD: no length';
is $r->body, '', 'HEAD: nothing';

# ---- pieces ----

my $all = '1 two 3 1 two 3 aab abab';
is $t->get("/now?text,chunks,$_")->body, $all, "in pieces of $_" for 1 .. 8;
is $t->get("/nowedge?edge,chunks,$_")->body, 'x' x 4093 . 'pin' . 'x' x 4090 . 'need',
    "long, in pieces of $_" for 4094 .. 4099;
ok $t->get('/now?long,chunks,7')->body eq $long =~ s/one/1/gir, 'many pieces';
$r = $t->get('/up?text,cut,7');
ok !$r->complete, 'a cut body is cut';

if ($gzip) {
    $r = $t->get('/gzip?long', headers => ['Accept-Encoding', 'gzip']);
    is $r->header('Content-Encoding'), 'gzip', 'compressed afterwards';
    require Compress::Zlib;
    ok Compress::Zlib::memGunzip($r->body) eq $long =~ s/one/1/ir, 'all of it';
}

# Each connection's next request finds nothing of the last one.
my $c = $t->connect;
is $c->get('/up?text', close => 0)->body, '1 two 3 one two three aab abab', "again $_"
    for 1 .. 3;
$c->close;

# ---- refused ----

for my $case (['sub_filter "" x;', 'empty search pattern in F:1'],
              ['sub_filter x;', 'invalid number of arguments in "sub_filter" directive in F:1'],
              ['sub_filter_once on; sub_filter_once off;', '"sub_filter_once" directive is duplicate in F:1']) {
    is conf_test("events {} http { $case->[0] }")->{first}, $case->[1], $case->[0];
}

done_testing;
