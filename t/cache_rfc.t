# SPDX-License-Identifier: BSD-2-Clause
#
# cache_rfc on: what RFC 9111 (and 9213) ask of a shared cache, a requirement for
# each row.  The rows follow the public cache-tests suite in what they look at.
#
# A row is a name and steps; a step is a request, which carries what the server
# answers if it is asked, and what is expected: "hit", it is not asked; "miss", it
# is; "valid", it has answered 304, and what was stored is sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep time);
use Weir::Test;

plan skip_all => 'not in nginx' if is_oracle();

my $backend = Weir::Backend->http(sub {
    my ($request) = @_;
    my $reply = $request->header('X-Reply') =~ s/\\n/\r\n/gr;
    my $validator = $request->header('If-None-Match')
        // $request->header('If-Modified-Since');

    $reply =~ s/\A\d+/304/ if $reply =~ /^X-304: yes/m && $validator;
    my ($status) = $reply =~ /\A(\d+)/;
    my $body = $request->method eq 'HEAD' || $status =~ /^(?:204|304)$/
        ? '' : $request->header('X-Body');
    return "HTTP/1.1 103 Early\r\nLink: </a>\r\nCache-Control: max-age=100\r\n\r\n"
        . "HTTP/1.1 200 OK\r\nContent-Length: " . length($body)
        . "\r\n\r\n$body" if $reply =~ /^X-Interim/m;
    return "HTTP/1.1 $reply\r\nX-Asked: " . $request->method . ' '
        . ($validator // '-') . "\r\n"
        . ($status =~ /^(?:204|304)$/ ? '' : 'Content-Length: ' . length($body)
           . "\r\n") . "\r\n$body";
});
my $up = $backend->port;

my $t = Weir::Test->new;
$t->mkdir('c');
$t->run(<<"EOC");
%%HTTP%%
    proxy_cache_path %%TESTDIR%%/c/one keys_zone=one:1m;
    cache_rfc on;
    proxy_cache one;
    proxy_cache_key \$request_uri;
    proxy_cache_use_stale error http_500 updating;
    early_hints 1;
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Cache \$upstream_cache_status always;
        location / { proxy_pass http://127.0.0.1:$up; }
        location /bypass { proxy_cache_bypass 1; proxy_pass http://127.0.0.1:$up; }
        location /off { cache_rfc off; proxy_pass http://127.0.0.1:$up; }
        location /valid { proxy_cache_valid 200 1h; proxy_pass http://127.0.0.1:$up; }
    }
}
EOC

my $n = 0;

# A date so many seconds from now.
sub date {
    my @t = gmtime(time + $_[0]);
    my @days = qw(Sun Mon Tue Wed Thu Fri Sat);
    my @months = qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec);
    return sprintf '%s, %02d %s %d %02d:%02d:%02d GMT', $days[$t[6]], $t[3],
        $months[$t[4]], $t[5] + 1900, @t[2, 1, 0];
}

# ask($uri, $step, $i): one request; {NUMBER} in what is sent becomes a date.
sub ask {
    my ($uri, $step, $i) = @_;
    my @reply = ($step->{status} // 200) . ' Some';

    push @reply, @{ $step->{reply} // ['Cache-Control: max-age=100'] };
    s/\{(-?\d+)\}/date($1)/ge for @reply;
    s/\{uri\}/$uri/g for @reply;
    my @headers = map { split /: */, s/\{(-?\d+)\}/date($1)/ger, 2 }
        @{ $step->{ask} // [] };
    return $t->request($step->{method} // 'GET', $step->{uri} // $uri,
                       headers => ['X-Reply' => join('\n', @reply),
                                   'X-Body' => "body $i", @headers]);
}

# wrong($uri, $steps, $i): does a step, and says what is not as it should be.
sub wrong {
    my ($uri, $steps, $i) = @_;
    my $s = $steps->[$i];
    my $r = ask($uri, $s, $i);
    my $from = $r->body =~ s/body //r;
    my $want = $s->{want} // 'miss';
    my $how = $r->header('X-Cache') // '-';
    my $is = $how =~ /HIT|STALE|UPDATING/ ? 'hit' : $how eq 'REVALIDATED' ? 'valid' : 'miss';
    my @problems;

    push @problems, "step $i: $is, not $want (" . $r->status . ")"
        if $want ne 'any' && $is ne $want;
    push @problems, "step $i: the body is $from"
        if $from =~ /^\d$/ && ($is eq 'miss' ? $from != $i : $from == $i);
    for my $field (sort keys %{ $s->{has} // {} }) {
        my ($is_there, $as) = ($r->header($field), $s->{has}{$field});
        push @problems, "step $i: $field is " . ($is_there // 'missing')
            if defined $as ? ($is_there // '') !~ $as : defined $is_there;
    }
    push @problems, "step $i: status " . $r->status
        if $s->{is} && $s->{is} != $r->status;
    return @problems;
}

my @later;

# check($name, @steps): each step is a hash: reply and ask (lists of lines),
# status and method, sleep before it, what is wanted, and has: fields of the
# response (undef: not there).
sub check {
    my ($name, @steps) = @_;
    my $uri = ($steps[0]{at} // '') . '/' . ++$n;

    return push @later, { name => $name, uri => $uri, steps => \@steps, bad => [] }
        if grep { $_->{sleep} } @steps;
    is join('; ', map { wrong($uri, \@steps, $_) } 0 .. $#steps), '', $name;
}

# Those that have to wait do so together.
sub check_later {
    for my $i (0 .. 3) {
        my @rows = grep { $_->{steps}[$i] } @later;
        my ($most) = sort { $b <=> $a } map { $_->{steps}[$i]{sleep} // 0 } @rows;
        sleep $most if $most;
        push @{ $_->{bad} }, wrong($_->{uri}, $_->{steps}, $i) for @rows;
    }
    is join('; ', @{ $_->{bad} }), '', $_->{name} for @later;
}

# fresh(@lines), stale(@lines): a second request is, or is not, answered by what
# was stored with such fields.
sub fresh { my ($name, @reply) = @_; check("fresh: $name", { reply => \@reply }, { want => 'hit' }) }
sub stale { my ($name, @reply) = @_; check("not used: $name", { reply => \@reply }, { want => 'miss' }) }

subtest 'Cache-Control' => sub {
    fresh('max-age', 'Cache-Control: max-age=3600');
    fresh('s-maxage', 'Cache-Control: s-maxage=3600');
    fresh('s-maxage over a shorter max-age', 'Cache-Control: s-maxage=3600, max-age=0');
    stale('s-maxage under a longer max-age', 'Cache-Control: max-age=3600, s-maxage=0');
    stale('max-age 0', 'Cache-Control: max-age=0');
    stale('nothing', 'X-Nothing: 1');
    fresh('without case', 'Cache-Control: MaX-aGe=3600');
    fresh('name without case', 'CACHE-CONTROL: max-age=3600');
    fresh('2147483647', 'Cache-Control: max-age=2147483647');
    fresh('2147483648', 'Cache-Control: max-age=2147483648');
    fresh('much more', 'Cache-Control: max-age=99999999999999999999999');
    fresh('leading zeros', 'Cache-Control: max-age=003600');
    fresh('quotes', 'Cache-Control: max-age="3600"');
    stale('single quotes', "Cache-Control: max-age='3600'");
    stale('negative', 'Cache-Control: max-age=-3600');
    stale('a fraction', 'Cache-Control: max-age=3600.0');
    stale('letters behind it', 'Cache-Control: max-age=3600a');
    stale('letters', 'Cache-Control: max-age=abc');
    stale('empty', 'Cache-Control: max-age=');
    stale('no value', 'Cache-Control: max-age');
    stale('of two the least', 'Cache-Control: max-age=3600, max-age=0');
    stale('... in two lines', 'Cache-Control: max-age=0', 'Cache-Control: max-age=3600');
    fresh('spaces and empty parts', 'Cache-Control: ,, public ,	max-age=3600 ,');
    fresh('an extension', 'Cache-Control: foo, max-age=3600');
    stale('an extension with max-age in its name', 'Cache-Control: x-max-age=3600');
    stale('in quotes of another', 'Cache-Control: extension="max-age=3600"');
    fresh('0 in quotes of another', 'Cache-Control: extension="max-age=0", max-age=3600');
    fresh('no-store in quotes', 'Cache-Control: extension="a\" no-store", max-age=3600');
    stale('no-store', 'Cache-Control: no-store');
    stale('no-store with max-age', 'Cache-Control: max-age=3600, no-store');
    stale('NO-STORE', 'Cache-Control: No-StOrE, max-age=3600');
    stale('private', 'Cache-Control: private, max-age=3600');
    stale('private with fields', 'Cache-Control: private="x", max-age=3600');
    stale('no-cache', 'Cache-Control: no-cache');
    stale('no-cache with max-age', 'Cache-Control: max-age=3600, no-cache');
    stale('in a second line', 'Cache-Control: max-age=3600', 'Cache-Control: no-store');
    fresh('must-understand', 'Cache-Control: max-age=3600, must-understand');
    fresh('must-understand over no-store', 'Cache-Control: no-store, max-age=3600, must-understand');
    check('must-understand of what nobody knows', { status => 599, reply =>
          ['Cache-Control: max-age=3600, must-understand'] }, { want => 'miss' });
    fresh('must-revalidate while it is fresh', 'Cache-Control: max-age=3600, must-revalidate');
    fresh('must-revalidate without a value', 'Cache-Control: max-age=3600, immutable');
    stale('no-store over Expires', 'Cache-Control: no-store', 'Expires: {3600}');
    check('no-store replaces what was stored', { reply => ['Cache-Control: max-age=1'] },
          { sleep => 2.1, reply => ['Cache-Control: no-store'] }, { want => 'miss' });
};

subtest 'Expires' => sub {
    fresh('Expires', 'Expires: {3600}');
    fresh('with Date', 'Date: {0}', 'Expires: {3600}');
    stale('past', 'Expires: {-3600}');
    stale('now', 'Date: {0}', 'Expires: {0}');
    stale('0', 'Expires: 0');
    stale('garbage', 'Expires: foo');
    fresh('max-age over a past one', 'Cache-Control: max-age=3600', 'Expires: {-3600}');
    fresh('max-age over a bad one', 'Cache-Control: max-age=3600', 'Expires: 0');
    stale('max-age 0 over a future one', 'Cache-Control: max-age=0', 'Expires: {3600}');
    fresh('s-maxage over a past one', 'Cache-Control: s-maxage=3600', 'Expires: {-10}');
    stale('a clock that is ahead', 'Date: {3600}', 'Expires: {1800}');
    stale('a clock that is behind, with Age', 'Date: {-3600}', 'Expires: {-1800}', 'Age: 10');
    fresh('a clock that is ahead, fresh', 'Date: {3600}', 'Expires: {7200}');
    stale('bad although cached by default', 'Expires: 0', 'Last-Modified: {-86400}',
          'X-Asked: 1');
    fresh('RFC 850', 'Expires: ' . rfc850(3600));
    fresh('asctime', 'Expires: ' . asctime(3600));
};

sub rfc850 {
    my ($d, $m, $y, $time) = date($_[0]) =~ /(\d+) (\w+) \d\d(\d\d) (\S+)/;
    my @t = gmtime(time + $_[0]);
    my @days = qw(Sunday Monday Tuesday Wednesday Thursday Friday Saturday);
    return "$days[$t[6]], $d-$m-$y $time GMT";
}

sub asctime {
    my ($day, $d, $m, $y, $time) = date($_[0]) =~ /(\w+), (\d+) (\w+) (\d+) (\S+)/;
    return sprintf '%s %s %2d %s %d', $day, $m, $d, $time, $y;
}

subtest 'Age' => sub {
    stale('older than max-age', 'Cache-Control: max-age=3600', 'Age: 12000');
    fresh('younger', 'Cache-Control: max-age=3600', 'Age: 1200');
    stale('older than s-maxage', 'Cache-Control: s-maxage=3600', 'Age: 7200');
    stale('older than Expires', 'Expires: {3600}', 'Date: {0}', 'Age: 7200');
    stale('by Date', 'Cache-Control: max-age=3600', 'Date: {-7200}');
    fresh('by Date, younger', 'Cache-Control: max-age=3600', 'Date: {-600}');
    fresh('Date in the future', 'Cache-Control: max-age=3600', 'Date: {3600}');
    stale('the larger counts', 'Cache-Control: max-age=3600', 'Date: {-10}', 'Age: 7200');
    fresh('no number', 'Cache-Control: max-age=3600', 'Age: abc');
    fresh('negative', 'Cache-Control: max-age=3600', 'Age: -7200');
    fresh('a fraction', 'Cache-Control: max-age=3600', 'Age: 7200.0');
    fresh('letters behind', 'Cache-Control: max-age=3600', 'Age: 7200s');
    stale('2147483648', 'Cache-Control: max-age=3600', 'Age: 2147483648');
    stale('many digits', 'Cache-Control: max-age=3600', 'Age: 99999999999999999999');
    stale('the first of a list', 'Cache-Control: max-age=3600', 'Age: 7200, 0');
    stale('the first of two lines', 'Cache-Control: max-age=3600', 'Age: 7200', 'Age: 0');
    fresh('the first of a list, 0', 'Cache-Control: max-age=3600', 'Age: 0, 7200');
    fresh('empty', 'Cache-Control: max-age=3600', 'Age: ');
    stale('with proxy_cache_valid', 'Age: 7200');
    check('it is sent', { has => { Age => undef } },
          { sleep => 2.1, want => 'hit', has => { Age => qr/^[2-9]$/ } });
    check('... on top of what it had', { reply => ['Cache-Control: max-age=3600', 'Age: 100'],
                                         has => { Age => qr/^100$/ } },
          { want => 'hit', has => { Age => qr/^10[01]$/ } });
    check('... or what Date says', { reply => ['Cache-Control: max-age=3600', 'Date: {-100}'] },
          { want => 'hit', has => { Age => qr/^10[01]$/ } });
    check('Date stays', { reply => ['Cache-Control: max-age=3600', 'Date: Mon, 01 Jan 2035 00:00:00 GMT'] },
          { want => 'hit', has => { Date => qr/ 2035 / } });
    check('Date is passed on', { reply => ['Date: Mon, 01 Jan 2035 00:00:00 GMT'],
                                 has => { Date => qr/ 2035 / } });
    check('Date is made', { }, { want => 'hit', has => { Date => qr/GMT/ } });
    check('Expires stays', { reply => ['Expires: Mon, 01 Jan 2035 00:00:00 GMT'] },
          { want => 'hit', has => { Expires => qr/2035/ } });
    check('Cache-Control stays', { }, { want => 'hit', has => { 'Cache-Control' => qr/^max-age=100$/ } });
    check('proxy_cache_valid counts it', { at => '/valid', reply => ['Age: 7200'] }, { want => 'miss' });
    check('... and what is younger', { at => '/valid', reply => ['Age: 72'] }, { want => 'hit' });
};

subtest 'statuses' => sub {
    for my $s (200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599) {
        check("$s with max-age", { status => $s }, { want => 'hit', is => $s, status => 201 });
        check("$s stale", { status => $s, reply => ['Cache-Control: max-age=0'] },
              { want => 'miss', is => 201, status => 201 });
    }
    for my $s (200, 203, 300, 301, 308, 404, 405, 410, 414, 501) {
        check("$s by its age", { status => $s, reply => ['Last-Modified: {-100000}', 'Date: {0}'] },
              { want => 'hit', status => 201, is => $s });
    }
    for my $s (201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599) {
        check("$s has no such age", { status => $s, reply => ['Last-Modified: {-100000}', 'Date: {0}'] },
              { want => 'miss', status => 299, is => 299 });
    }
    check('public gives one', { status => 599, reply => ['Last-Modified: {-100000}', 'Cache-Control: public'] },
          { want => 'hit' });
    check('a tenth of it', { reply => ['Last-Modified: {-5}', 'Date: {0}'] }, { want => 'miss' , sleep => 1.1 });
    check('a part is no whole', { status => 206, reply => ['Cache-Control: max-age=100', 'Content-Range: bytes 0-5/10'] },
          { want => 'miss' });
};

{    # of these, all have to wait
    my @again = (sleep => 2.1, status => 500, reply => ['X-Failed: 1']);
    for my $cc ('must-revalidate', 'proxy-revalidate') {
        check("$cc refuses", { reply => ["Cache-Control: max-age=1, $cc"] },
              { @again, want => 'miss' });
    }
    check('s-maxage refuses', { reply => ['Cache-Control: s-maxage=1'] }, { @again, want => 'miss' });
    check('no-cache refuses', { reply => ['Cache-Control: no-cache', 'ETag: "a"'] },
          { @again, want => 'miss' });
    check('otherwise it may be used', { reply => ['Cache-Control: max-age=1'] }, { @again, want => 'hit' });
    check('stale-if-error', { reply => ['Cache-Control: max-age=1, stale-if-error=60'] },
          { @again, want => 'hit' });
    check('after its time', { reply => ['Cache-Control: max-age=1'] }, { sleep => 2.1, want => 'miss' });
    check('Expires, after its time', { reply => ['Date: {0}', 'Expires: {1}'] },
          { sleep => 2.1, want => 'miss' });
    check('stale-while-revalidate ends', { reply => ['Cache-Control: max-age=1, stale-while-revalidate=1'] },
          { sleep => 3.2, want => 'miss' });
}

subtest 'what a 304 says' => sub {
    my @old = ('Cache-Control: max-age=1', 'ETag: "a"', 'X-Old: old', 'X-Both: old');
    my @new = (reply => ['X-304: yes', 'Cache-Control: max-age=100', 'X-Both: new', 'X-New: new'],
               sleep => 2.1);
    check('fields are updated', { reply => \@old },
          { @new, want => 'valid', has => { 'X-Both' => qr/^new$/, 'X-New' => qr/new/, 'X-Old' => qr/old/ } },
          { want => 'hit', has => { 'X-Both' => qr/^new$/, 'X-New' => qr/new/, 'X-Old' => qr/old/,
                                    Age => qr/^[01]$/ } });
    check('by Last-Modified', { reply => ['Cache-Control: max-age=1', 'Last-Modified: {-1000}', 'X-Both: old'] },
          { @new, want => 'valid', has => { 'X-Both' => qr/^new$/ } }, { want => 'hit' });
    check('Expires is updated', { reply => ['Expires: {1}', 'ETag: "a"'] },
          { sleep => 2.1, reply => ['X-304: yes', 'Expires: {100}'], want => 'valid' }, { want => 'hit' });
    check('Date is updated', { reply => ['Date: {0}', 'Cache-Control: max-age=1', 'ETag: "a"'] },
          { sleep => 2.1, reply => ['X-304: yes', 'Date: Mon, 01 Jan 2035 00:00:00 GMT'], want => 'valid' },
          { want => 'hit', has => { Date => qr/2035/ } });
    check('not the length', { reply => \@old },
          { @new, reply => [@{ $new[1] }, 'Content-Length: 1'], want => 'valid' },
          { want => 'hit', has => { 'Content-Length' => qr/^6$/ } });
    check('not the coding', { reply => [@old, 'Content-Encoding: x'] },
          { @new, reply => [@{ $new[1] }, 'Content-Encoding: y'], want => 'valid',
            has => { 'Content-Encoding' => qr/^x$/ } });
    check('no-cache is validated each time', { reply => ['Cache-Control: no-cache', 'ETag: "a"'] },
          { reply => ['X-304: yes', 'Cache-Control: no-cache'], want => 'valid' },
          { reply => ['X-304: yes', 'Cache-Control: no-cache'], want => 'valid' });
    check('max-age 0, too', { reply => ['Cache-Control: max-age=0', 'ETag: "a"'] },
          { reply => ['X-304: yes'], want => 'valid' });
    check('another response takes its place', { reply => \@old },
          { sleep => 2.1, reply => ['Cache-Control: max-age=100'], want => 'miss' },
          { want => 'any', has => { 'X-Old' => undef } });
};

subtest 'methods' => sub {
    for my $m (qw(POST PUT DELETE PATCH)) {
        check("$m invalidates", { }, { method => $m, want => 'any' }, { want => 'miss' });
        check("$m that fails does not", { }, { method => $m, status => 500, want => 'any' }, { want => 'hit' });
    }
    check('an unknown method, too', { }, { method => 'FOO', want => 'any' }, { want => 'miss' });
    for my $field ('Location', 'Content-Location') {
        check("$field", { },
              { method => 'POST', uri => '/elsewhere', reply => ["$field: {uri}"], want => 'any' },
              { want => 'miss' });
        check("$field with the host", { },
              { method => 'POST', uri => '/elsewhere', want => 'any',
                reply => ["$field: http://localhost{uri}"] },
              { want => 'miss' });
        check("$field of another host", { },
              { method => 'POST', uri => '/elsewhere', want => 'any',
                reply => ["$field: http://other.example{uri}"] },
              { want => 'hit' });
    }
    check('GET does not', { }, { want => 'hit' });
    check('HEAD is answered from it', { }, { method => 'HEAD', want => 'any', has => { 'X-Cache' => qr/HIT/, Age => qr/./ } });
    check('OPTIONS does not', { }, { method => 'OPTIONS', want => 'any' }, { want => 'hit' });
    check('POST is not stored', { method => 'POST' }, { want => 'miss' });
};

subtest 'requests' => sub {
    check('no-cache', { }, { ask => ['Cache-Control: no-cache'], want => 'miss' });
    check('Pragma', { }, { ask => ['Pragma: no-cache'], want => 'miss' });
    check('Pragma beside Cache-Control', { }, { ask => ['Pragma: no-cache', 'Cache-Control: max-age=1000'], want => 'hit' });
    check('no-cache is validated', { reply => ['Cache-Control: max-age=100', 'ETag: "a"'] },
          { ask => ['Cache-Control: no-cache'], reply => ['X-304: yes'], want => 'valid' });
    check('max-age=0', { }, { ask => ['Cache-Control: max-age=0'], want => 'miss' });
    check('max-age', { }, { ask => ['Cache-Control: max-age=1'], sleep => 2.1, want => 'miss' });
    check('max-age against Age', { reply => ['Cache-Control: max-age=3600', 'Age: 1800'] },
          { ask => ['Cache-Control: max-age=600'], want => 'miss' });
    check('a larger max-age', { }, { ask => ['Cache-Control: max-age=1000'], want => 'hit' });
    check('min-fresh', { }, { ask => ['Cache-Control: min-fresh=2000'], want => 'miss' });
    check('less min-fresh', { }, { ask => ['Cache-Control: min-fresh=10'], want => 'hit' });
    check('min-fresh against Age', { reply => ['Cache-Control: max-age=1500', 'Age: 1000'] },
          { ask => ['Cache-Control: min-fresh=1000'], want => 'miss' });
    check('max-stale', { reply => ['Cache-Control: max-age=1'] },
          { ask => ['Cache-Control: max-stale=1000'], sleep => 2.1, want => 'hit' });
    check('any max-stale', { reply => ['Cache-Control: max-age=1'] },
          { ask => ['Cache-Control: max-stale'], sleep => 2.1, want => 'hit' });
    check('max-stale against must-revalidate', { reply => ['Cache-Control: max-age=1, must-revalidate'] },
          { ask => ['Cache-Control: max-stale=1000'], sleep => 2.1, want => 'miss' });
    check('no-store', { ask => ['Cache-Control: no-store'] }, { want => 'miss' });
    check('no-store may be answered from it', { }, { ask => ['Cache-Control: no-store'], want => 'hit' });
    check('only-if-cached', { }, { ask => ['Cache-Control: only-if-cached'], want => 'hit' });
    check('only-if-cached, not there', { ask => ['Cache-Control: only-if-cached'], want => 'any', is => 504 },
          { want => 'miss' });
    check('only-if-cached, bypassed', { at => '/bypass', ask => ['Cache-Control: only-if-cached'],
                                        want => 'any', is => 504 });
    check('If-None-Match', { reply => ['Cache-Control: max-age=100', 'ETag: "a"'] },
          { ask => ['If-None-Match: "a"'], want => 'any', is => 304 });
    check('... of several', { reply => ['Cache-Control: max-age=100', 'ETag: "a"'] },
          { ask => ['If-None-Match: "b", "a"'], want => 'any', is => 304 });
    check('... weak', { reply => ['Cache-Control: max-age=100', 'ETag: W/"a"'] },
          { ask => ['If-None-Match: "a"'], want => 'any', is => 304 });
    check('... another', { reply => ['Cache-Control: max-age=100', 'ETag: "a"'] },
          { ask => ['If-None-Match: "b"'], want => 'hit', is => 200 });
    check('... over If-Modified-Since', { reply => ['Cache-Control: max-age=100', 'ETag: "a"', 'Last-Modified: {-1000}'] },
          { ask => ['If-None-Match: "b"', 'If-Modified-Since: {0}'], want => 'hit', is => 200 });
    check('a tag that matches, and an older date', { reply => ['Cache-Control: max-age=100', 'ETag: "a"',
                                                               'Last-Modified: {-10}'] },
          { ask => ['If-None-Match: "a"', 'If-Modified-Since: {-100}'], want => 'hit', is => 304 });
    my $lm = date(-1000);
    check('If-Modified-Since', { reply => ['Cache-Control: max-age=100', "Last-Modified: $lm"] },
          { ask => ["If-Modified-Since: $lm"], want => 'any', is => 304 });
};

subtest 'Authorization' => sub {
    my @a = (ask => ['Authorization: x']);
    check('it is not stored', { @a }, { want => 'miss' });
    check('public', { @a, reply => ['Cache-Control: max-age=100, public'] }, { @a, want => 'hit' });
    check('must-revalidate', { @a, reply => ['Cache-Control: max-age=100, must-revalidate'] }, { @a, want => 'hit' });
    check('s-maxage', { @a, reply => ['Cache-Control: s-maxage=100'] }, { @a, want => 'hit' });
};

subtest 'Vary' => sub {
    my @v = ('Cache-Control: max-age=100');
    check('a match', { reply => [@v, 'Vary: X-A'], ask => ['X-A: 1'] }, { ask => ['X-A: 1'], want => 'hit' });
    check('no match', { reply => [@v, 'Vary: X-A'], ask => ['X-A: 1'] }, { ask => ['X-A: 2'], want => 'miss' });
    check('missing', { reply => [@v, 'Vary: X-A'], ask => ['X-A: 1'] }, { want => 'miss' });
    check('missing in both', { reply => [@v, 'Vary: X-A'] }, { want => 'hit' });
    check('without case', { reply => [@v, 'Vary: x-a'], ask => ['X-A: 1'] }, { ask => ['X-A: 2'], want => 'miss' });
    check('two', { reply => [@v, 'Vary: X-A, X-B'], ask => ['X-A: 1', 'X-B: 1'] },
          { ask => ['X-A: 1', 'X-B: 2'], want => 'miss' });
    check('two lines', { reply => [@v, 'Vary: X-A', 'Vary: X-B'], ask => ['X-A: 1', 'X-B: 1'] },
          { ask => ['X-A: 1', 'X-B: 2'], want => 'miss' });
    check('empty parts', { reply => [@v, 'Vary: , X-A,,'], ask => ['X-A: 1'] }, { ask => ['X-A: 2'], want => 'miss' });
    check('several are stored', { reply => [@v, 'Vary: X-A'], ask => ['X-A: 1'] },
          { reply => [@v, 'Vary: X-A'], ask => ['X-A: 2'], want => 'miss' },
          { ask => ['X-A: 2'], want => 'hit' });
    stale('*', @v, 'Vary: *');
    stale('* in a list', @v, 'Vary: X-A, *');
    stale('* first', @v, 'Vary: *, X-A');
    stale('* in another line', @v, 'Vary: X-A', 'Vary: *');
    stale('* among empty parts', @v, 'Vary: ,*');
};

subtest 'fields' => sub {
    check('listed in Connection', { reply => ['Cache-Control: max-age=100', 'Connection: x-a, X-B', 'X-A: 1', 'X-B: 1', 'X-C: 1'],
                                    has => { 'X-A' => undef, 'X-B' => undef, 'X-C' => qr/1/ } },
          { want => 'hit', has => { 'X-A' => undef, 'X-B' => undef, 'X-C' => qr/1/ } });
    for my $f ('Content-Type: text/foo', 'Content-Language: x', 'Content-Location: /y', 'Link: </z>',
               'Retry-After: 5', 'Content-Security-Policy: default-src', 'Public-Key-Pins: y', 'X-Some: z',
               'Content-MD5: abc', 'Accept-Ranges: none') {
        my ($name, $value) = split /: /, $f;
        check("$name is stored", { reply => ['Cache-Control: max-age=100', $f] },
              { want => 'hit', $name eq 'Accept-Ranges' ? () : (has => { $name => qr/^\Q$value\E/ }) });
    }
    check('no interim response is stored', { reply => ['X-Interim: 1'] }, { want => 'miss' });
    check('a part of what is whole', { }, { ask => ['Range: bytes=0-3'], want => 'any', is => 206,
                                            has => { 'X-Cache' => qr/HIT/, 'Content-Range' => qr{^bytes 0-3/6$} } });
    check('the end', { }, { ask => ['Range: bytes=-2'], want => 'any', is => 206 });
    check('from somewhere', { }, { ask => ['Range: bytes=4-'], want => 'any', is => 206 });
    check('not if If-Range differs', { reply => ['Cache-Control: max-age=100', 'ETag: "a"'] },
          { ask => ['Range: bytes=0-3', 'If-Range: "b"'], want => 'hit', is => 200 });
};

subtest 'CDN-Cache-Control' => sub {
    fresh('max-age', 'CDN-Cache-Control: max-age=3600');
    fresh('over max-age 0', 'CDN-Cache-Control: max-age=3600', 'Cache-Control: max-age=0');
    fresh('over no-store', 'CDN-Cache-Control: max-age=3600', 'Cache-Control: no-store');
    fresh('over a past Expires', 'CDN-Cache-Control: max-age=3600', 'Expires: {-100}');
    fresh('without spaces', 'CDN-Cache-Control: foo,max-age=3600');
    fresh('with unknown ones', 'CDN-Cache-Control: a=1, b;c=2, d=(1 2), max-age=3600');
    fresh('in two lines', 'CDN-Cache-Control: a', 'CDN-Cache-Control: max-age=3600');
    fresh('empty: the other', 'CDN-Cache-Control: ', 'Cache-Control: max-age=3600');
    fresh('invalid: the other', 'CDN-Cache-Control: max-age=3600,', 'Cache-Control: max-age=3600');
    stale('invalid, and the other says no', 'CDN-Cache-Control: max-age=3600 x', 'Cache-Control: no-store');
    stale('0', 'CDN-Cache-Control: max-age=0', 'Cache-Control: max-age=3600');
    stale('no-store', 'CDN-Cache-Control: no-store', 'Cache-Control: max-age=3600');
    stale('no-cache', 'CDN-Cache-Control: no-cache', 'Cache-Control: max-age=3600');
    stale('private', 'CDN-Cache-Control: private', 'Cache-Control: max-age=3600');
    stale('a string', 'CDN-Cache-Control: max-age="3600"', 'Cache-Control: max-age=3600');
    stale('upper case', 'CDN-Cache-Control: MAX-AGE=3600', 'Cache-Control: no-store');
    stale('older', 'CDN-Cache-Control: max-age=3600', 'Age: 7200');
    fresh('no-store that is false', 'CDN-Cache-Control: max-age=3600, no-store=?0');
    fresh('a parameter', 'CDN-Cache-Control: max-age=3600;a=b');
    check('it is passed on', { reply => ['CDN-Cache-Control: max-age=3600'] },
          { want => 'hit', has => { 'CDN-Cache-Control' => qr/3600/ } });
};

subtest 'off' => sub {
    check('no Age', { at => '/off' }, { want => 'hit', has => { Age => undef } });
    check('requests say nothing', { at => '/off' }, { ask => ['Cache-Control: no-cache'], want => 'hit' });
    check('POST does not invalidate', { at => '/off' }, { method => 'POST', want => 'any' }, { want => 'hit' });
    check('Authorization is stored', { at => '/off', ask => ['Authorization: x'] }, { want => 'hit' });
};

subtest 'after a while' => \&check_later;

done_testing;
